"""How far the proof of the ledger has come."""

import sqlalchemy as sa
from alembic import op

revision = "core_0006"
down_revision = "core_0005"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()


def upgrade() -> None:
    op.create_table(
        "ledger_proof",
        sa.Column("only_row", sa.Integer(), nullable=False),
        sa.Column("proved_to", WHOLE, nullable=False),
        sa.Column("proved", WHOLE, nullable=False),
        sa.Column("differing", WHOLE, nullable=False),
        sa.Column("started_at", WHOLE, nullable=True),
        sa.Column("updated_at", WHOLE, nullable=True),
        sa.Column("whole_started_at", WHOLE, nullable=True),
        sa.Column("whole_ended_at", WHOLE, nullable=True),
        sa.Column("whole_proved", WHOLE, nullable=False),
        sa.Column("whole_differing", WHOLE, nullable=False),
        sa.CheckConstraint("only_row = 1", name="one_proof"),
        sa.PrimaryKeyConstraint("only_row"),
    )
    op.execute("INSERT INTO ledger_proof VALUES (1, 0, 0, 0, NULL, NULL, NULL, NULL, 0, 0)")
