"""PostgreSQL looked up and locked source and position of every entry, one by one: a fifth of what an entry cost.

Keys come from these tables in the transaction that writes the entry, so an entry without its position can only come
about when one is taken away or renumbered; that is what the database refuses now.
"""

from alembic import op
from sqlalchemy import inspect

revision = "core_0022"
down_revision = "core_0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":  # there the look costs next to nothing
        return
    for table in ("ledger_entry", "open_item"):
        for constraint in inspect(op.get_bind()).get_foreign_keys(table):
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint['name']}")
    for table, column in (("source", "source_id"), ("position", "position_id")):
        op.execute(
            f"CREATE FUNCTION {table}_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'a {table} is never taken away or renumbered'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE OR TRUNCATE OR UPDATE OF {column} ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_kept()"
        )
