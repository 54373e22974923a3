"""What open cases touch is counted from an index; due ends of overrides and snoozes are found by one."""

import sqlalchemy as sa
from alembic import op

revision = "core_0024"
down_revision = "core_0023"
branch_labels = None
depends_on = None

COUNTED_BY = ["currency", "status", "root_cause", "override_root_cause", "owner", "abstained", "expected_loss"]
OPEN = "(SELECT status <> 'resolved' FROM exception_case c WHERE c.case_id = case_scope.case_id)"
CHANGED = "(OLD.status = 'resolved') <> (NEW.status = 'resolved')"
FOLLOWS = "UPDATE case_scope SET of_open = NEW.status <> 'resolved' WHERE case_id = NEW.case_id"


def upgrade() -> None:
    op.add_column("case_scope", sa.Column("of_open", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute(f"UPDATE case_scope SET of_open = {OPEN} WHERE NOT {OPEN}")
    op.drop_index("case_scope_by_case", "case_scope")
    op.create_index("case_scope_by_case", "case_scope", ["case_id", "kind", "value"])
    where = sa.text("of_open")
    op.create_index("case_scope_open", "case_scope", ["kind", "value"], sqlite_where=where, postgresql_where=where)
    where = sa.text("status <> 'resolved'")
    op.create_index("case_facets", "exception_case", COUNTED_BY, sqlite_where=where, postgresql_where=where)
    for column in ("override_until", "snoozed_until"):
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"case_{column}", "exception_case", [column], sqlite_where=where, postgresql_where=where)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER case_scope_open_follows AFTER UPDATE OF status ON exception_case WHEN {CHANGED} "
            f"BEGIN {FOLLOWS}; END"
        )
        return
    op.execute(
        "CREATE FUNCTION case_scope_open_follows() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {FOLLOWS}; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER case_scope_open_follows AFTER UPDATE OF status ON exception_case FOR EACH ROW "
        f"WHEN ({CHANGED}) EXECUTE FUNCTION case_scope_open_follows()"
    )
