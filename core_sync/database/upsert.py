"""Insert rows, or update those that are there: one spelling for both databases."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Text, bindparam, case, cast, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import SQLModel

CHUNK = 5_000
"""Rows a statement, so that a large file does not become one large list of parameters."""


def upsert(connection: Connection, table: type[SQLModel], rows: Sequence[dict[str, Any]], key: Sequence[str]) -> None:
    """Write ``rows``; those whose ``key`` is there replace it.

    Args:
        connection: an open transaction.
        table: the table to write to.
        rows: columns and values, the same columns in each.
        key: columns with a unique constraint.
    """
    if not rows:
        return
    statement = _insert(connection, table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    written = (
        statement.on_conflict_do_update(index_elements=list(key), set_=changed)
        if changed
        else statement.on_conflict_do_nothing(index_elements=list(key))
    )
    for start in range(0, len(rows), CHUNK):
        connection.execute(written, list(rows[start : start + CHUNK]))


def add_to(
    connection: Connection,
    table: type[SQLModel],
    rows: Sequence[dict[str, Any]],
    key: Sequence[str],
    usual: Mapping[str, Any],
) -> None:
    """Write ``rows``; of those whose ``key`` is there, None leaves what was there, and ``attributes`` are added to.

    Args:
        connection: an open transaction.
        table: the table to write to.
        rows: columns and values, the same columns in each; None where nothing is said.
        key: columns with a unique constraint.
        usual: by column, what a new row has where nothing is said.
    """
    if not rows:
        return
    said = {name: bindparam(f"said_{name}", type_=table.__table__.c[name].type) for name in rows[0]}  # type: ignore[attr-defined]  # SQLModel does not declare its table
    statement = _insert(connection, table).values(
        {name: func.coalesce(value, usual[name]) if name in usual else value for name, value in said.items()}
    )
    changed: dict[str, ColumnElement[Any]] = {
        name: func.coalesce(value, getattr(table, name)) for name, value in said.items() if name not in key
    }
    if "attributes" in changed:
        changed["attributes"] = _merged(connection, said["attributes"], table.attributes)  # type: ignore[attr-defined]  # the rows name it
    written = (
        statement.on_conflict_do_update(index_elements=list(key), set_=changed)
        if changed
        else statement.on_conflict_do_nothing(index_elements=list(key))
    )
    bound = [{f"said_{name}": value for name, value in row.items()} for row in rows]
    for start in range(0, len(bound), CHUNK):
        connection.execute(written, bound[start : start + CHUNK])


def insert_new(
    connection: Connection, table: type[SQLModel], rows: Sequence[dict[str, Any]], key: Sequence[str]
) -> int:
    """Write the ``rows`` whose ``key`` is not there yet; returns how many that were."""
    written = _insert(connection, table).on_conflict_do_nothing(index_elements=list(key))
    new = 0
    for start in range(0, len(rows), CHUNK):
        part = list(rows[start : start + CHUNK])
        new += connection.execute(written, part, execution_options={"preserve_rowcount": True}).rowcount
    return new


def _insert(connection: Connection, table: type[SQLModel]) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def _merged(connection: Connection, said: ColumnElement[Any], known: ColumnElement[Any]) -> ColumnElement[Any]:
    """The JSON object ``known`` with what is ``said`` in its place, name by name."""
    before = func.coalesce(known, "{}")
    if connection.dialect.name == "sqlite":
        both: ColumnElement[Any] = func.json_patch(before, said)
    else:
        both = cast(cast(before, JSONB).concat(cast(said, JSONB)), Text)
    return case((said.is_(None), known), else_=both)
