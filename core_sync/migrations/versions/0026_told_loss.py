"""What the timeline last told of a case's expected loss, so that a loss that creeps up is told too."""

import sqlalchemy as sa
from alembic import op

revision = "core_0026"
down_revision = "core_0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exception_case", sa.Column("told_loss", sa.BigInteger(), nullable=True))
    op.execute("UPDATE exception_case SET told_loss = expected_loss")
