"""Insert rows, or update those that are there: one spelling for both databases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

CHUNK = 5_000
"""Rows a statement, so that a large file does not become one large list of parameters."""


def upsert(
    connection: Connection,
    table: type[SQLModel],
    rows: Sequence[dict[str, Any]],
    key: Sequence[str],
    keep_when_missing: bool = False,
) -> None:
    """Write ``rows``; those whose ``key`` is there replace it.

    Args:
        connection: an open transaction.
        table: the table to write to.
        rows: columns and values, the same columns in each.
        key: columns with a unique constraint.
        keep_when_missing: an empty value leaves what was there before.
    """
    if not rows:
        return
    statement = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    told = statement.excluded
    changed: dict[str, Any] = {
        name: func.coalesce(told[name], getattr(table, name)) if keep_when_missing else told[name]
        for name in rows[0]
        if name not in key
    }
    written = (
        statement.on_conflict_do_update(index_elements=list(key), set_=changed)
        if changed
        else statement.on_conflict_do_nothing(index_elements=list(key))
    )
    for start in range(0, len(rows), CHUNK):
        connection.execute(written, list(rows[start : start + CHUNK]))


def insert_new(
    connection: Connection, table: type[SQLModel], rows: Sequence[dict[str, Any]], key: Sequence[str]
) -> int:
    """Write the ``rows`` whose ``key`` is not there yet; returns how many that were."""
    statement = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    written = statement.on_conflict_do_nothing(index_elements=list(key))
    new = 0
    for start in range(0, len(rows), CHUNK):
        part = list(rows[start : start + CHUNK])
        new += connection.execute(written, part, execution_options={"preserve_rowcount": True}).rowcount
    return new
