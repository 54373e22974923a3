"""Migrations give exactly the tables that core_sync declares, on both databases, and are done once."""

import core_sync.tables
from core_sync.database.engine import Database
from core_sync.database.migrate import CORE_SYNC, head, upgrade, version_table
from tests.schema import assert_as_declared, models_of


def test_every_migrated_table_is_the_one_its_model_declares(database_url: str) -> None:
    models = models_of(core_sync.tables)
    assert models
    for model in models:
        assert_as_declared(Database(database_url), model)


def test_migrating_again_changes_nothing(database_url: str) -> None:
    database = Database(database_url)
    upgrade(database)
    with database.reading() as connection:
        found = connection.exec_driver_sql(f"SELECT version_num FROM {version_table(CORE_SYNC)}").scalar_one()
    assert found == head(CORE_SYNC)
