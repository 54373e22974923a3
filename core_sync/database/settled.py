"""Up to which number the rows of a table that only grows are complete."""

import time

from sqlalchemy import Connection, text

WAIT_S = 5.0
"""Writers that take longer than this are waited for in a later round."""

_PAUSE_S = 0.02


def settled_up_to(connection: Connection, table: str, column: str) -> int | None:
    """A number of ``column`` below which no more rows can appear; None while writers take too long.

    On PostgreSQL a row may be committed after one with a larger number. Whoever has taken a number holds a lock on
    the table until the transaction ends, so once everybody who held one is gone the rows are complete. Nobody waits
    for us. ``connection`` must not be bound to one state: each statement has to see the newest.
    """
    newest: int = connection.execute(text(f"SELECT COALESCE(MAX({column}), 0) FROM {table}")).scalar_one()
    if connection.dialect.name == "sqlite":
        return newest
    writing = set(connection.execute(text(_WRITING), {"table": table}).scalars())
    until = time.monotonic() + WAIT_S
    while writing:
        if time.monotonic() > until:
            return None
        time.sleep(_PAUSE_S)
        writing &= set(connection.execute(text(_WRITING), {"table": table}).scalars())
    return newest


_WRITING = """
SELECT l.virtualtransaction FROM pg_locks l
WHERE l.locktype = 'relation' AND l.relation = CAST(:table AS regclass) AND l.mode = 'RowExclusiveLock'
  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
"""
