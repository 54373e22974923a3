"""A case knows how many others of its root cause were over lately at its location."""

import sqlalchemy as sa
from alembic import op

revision = "core_0039"
down_revision = "core_0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "exception_case", sa.Column("recurrences_there", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
