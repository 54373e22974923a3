"""Found by index: what is under way to a position, in the order in which it left; undecided events at a position."""

import sqlalchemy as sa
from alembic import op

revision = "core_0009"
down_revision = "core_0008"
branch_labels = None
depends_on = None

GOES_SOMEWHERE = sa.text("to_position_id IS NOT NULL")
UNDECIDED = sa.text("status IN ('parked', 'refused', 'suspected_duplicate', 'conflict')")


def upgrade() -> None:
    op.drop_index("ledger_entry_by_destination", "ledger_entry")
    _index("ledger_entry_by_destination", "ledger_entry", ["to_position_id", "occurred_at"], GOES_SOMEWHERE)
    _index("held_event_at_position", "held_event", ["position_id"], UNDECIDED)


def _index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
