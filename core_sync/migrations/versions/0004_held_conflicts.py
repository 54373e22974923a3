"""Tellings that contradict an earlier one are held too; held events and their failures are found by index."""

import sqlalchemy as sa
from alembic import op

revision = "core_0004"
down_revision = "core_0003"
branch_labels = None
depends_on = None

KNOWN = "status IN ('parked', 'refused', 'suspected_duplicate', 'conflict', 'applied', 'dismissed')"
UNDECIDED = sa.text("status IN ('parked', 'refused', 'suspected_duplicate', 'conflict')")
HAS_SUBJECT = sa.text("subject IS NOT NULL")
REPEATS = sa.text("duplicate_of IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("held_event") as table:  # SQLite cannot alter a constraint: it writes the table anew
        table.drop_constraint("held_status_known", type_="check")
        table.create_check_constraint("held_status_known", KNOWN)
    _partial_index("held_event_undecided", "held_event", ["held_id"], UNDECIDED)
    _partial_index("failure_by_subject", "failure", ["subject"], HAS_SUBJECT)
    _partial_index("failure_by_duplicate", "failure", ["duplicate_of"], REPEATS)


def _partial_index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, unique=False, sqlite_where=where, postgresql_where=where)
