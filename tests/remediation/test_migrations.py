"""The room's tables are what its models say, on both databases."""

import pytest
from sqlalchemy import CheckConstraint, UniqueConstraint, inspect
from sqlmodel import SQLModel

from core_sync.database.engine import Database
from remediation.tables import ActionRun, ActionStep, AutonomyRule, WorkItem


@pytest.mark.parametrize("model", [ActionRun, ActionStep, AutonomyRule, WorkItem])
def test_a_migrated_table_has_the_columns_keys_and_checks_of_its_model(
    database: Database, model: type[SQLModel]
) -> None:
    table = model.__table__  # type: ignore[attr-defined]  # SQLModel adds it to table models
    with database.reading() as connection:
        found = inspect(connection)
        columns = {one["name"]: one["nullable"] for one in found.get_columns(table.name)}
        indexes = {one["name"] for one in found.get_indexes(table.name) if not one.get("duplicates_constraint")}
        checks = {one["name"] for one in found.get_check_constraints(table.name)}
        uniques = {one["name"] for one in found.get_unique_constraints(table.name)}
    assert columns == {column.name: column.nullable for column in table.columns}
    assert indexes == {index.name for index in table.indexes}
    assert checks == {one.name for one in table.constraints if isinstance(one, CheckConstraint)}
    assert uniques == {one.name for one in table.constraints if isinstance(one, UniqueConstraint)}
