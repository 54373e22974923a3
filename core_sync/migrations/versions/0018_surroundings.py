"""Failures keep what was gathered around them; those that were classified before are left as they are."""

import sqlalchemy as sa
from alembic import op

revision = "core_0018"
down_revision = "core_0017"
branch_labels = None
depends_on = None

PENDING = sa.text("surroundings IS NULL")


def upgrade() -> None:
    op.add_column("failure", sa.Column("surroundings", sa.Text(), nullable=True))
    op.execute("UPDATE failure SET surroundings = '{}' WHERE resolved_at IS NOT NULL")
    op.create_index("failure_by_system", "failure", ["system", "occurred_at"], unique=False)
    op.create_index(
        "failure_to_look_around",
        "failure",
        ["failure_id"],
        unique=False,
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
