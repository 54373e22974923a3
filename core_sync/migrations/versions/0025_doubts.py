"""What pushes that are not settled may still make a listing show is a span, not one figure."""

import sqlalchemy as sa
from alembic import op

revision = "core_0025"
down_revision = "core_0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE push_intent RENAME COLUMN doubt_quantity TO doubt_least")
    op.add_column("push_intent", sa.Column("doubt_most", sa.BigInteger()))
    op.execute("UPDATE push_intent SET doubt_most = doubt_least WHERE doubt_least IS NOT NULL")
