"""Whether a migrated table is the one its model declares."""

from types import ModuleType

from sqlalchemy import CheckConstraint, UniqueConstraint, inspect
from sqlmodel import SQLModel

from core_sync.database.engine import Database


def assert_as_declared(database: Database, model: type[SQLModel]) -> None:
    """Columns, nullability, indexes, unique and check constraints are those of ``model``."""
    table = model.__table__  # type: ignore[attr-defined]  # SQLModel adds it to table models
    with database.reading() as connection:
        found = inspect(connection)
        columns = {
            one["name"]: one["nullable"] for one in found.get_columns(table.name) if one["name"] not in _UNDECLARED
        }
        indexes = {one["name"] for one in found.get_indexes(table.name) if not one.get("duplicates_constraint")}
        checks = {one["name"] for one in found.get_check_constraints(table.name)}
        uniques = {tuple(one["column_names"]) for one in found.get_unique_constraints(table.name)}
    assert columns == {column.name: column.nullable for column in table.columns}
    assert indexes - _UNREFLECTED == {index.name for index in table.indexes} - _UNREFLECTED
    assert checks == {one.name for one in table.constraints if isinstance(one, CheckConstraint)}
    assert uniques == {tuple(one.columns.keys()) for one in table.constraints if isinstance(one, UniqueConstraint)}


def models_of(tables: ModuleType) -> list[type[SQLModel]]:
    """Every table model that the room of ``tables`` declares; importing that module declares them all."""
    room = tables.__name__.partition(".")[0]
    found = (mapper.class_ for mapper in SQLModel._sa_registry.mappers)
    return sorted(
        (model for model in found if model.__module__.startswith(f"{room}.")), key=lambda model: model.__name__
    )


_UNREFLECTED = {"case_feed", "case_feed_by_status", "case_worklist", "case_words_search"}
"""SQLAlchemy does not reflect indexes on expressions from SQLite, and declares none for full text."""

_UNDECLARED = {"lexemes"}
"""Of a type that PostgreSQL alone has."""
