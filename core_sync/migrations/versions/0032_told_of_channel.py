"""Which open failures others told of a channel: whether it as a whole takes nothing."""

import sqlalchemy as sa
from alembic import op

revision = "core_0032"
down_revision = "core_0031"
branch_labels = None
depends_on = None

_OPEN = sa.text("resolved_at IS NULL AND kind = 'told' AND channel IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "failure_told_of_channel", "failure", ["channel"], unique=False, sqlite_where=_OPEN, postgresql_where=_OPEN
    )
