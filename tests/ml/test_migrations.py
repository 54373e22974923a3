"""Migrations give exactly the tables that ml declares, on both databases."""

from pathlib import Path

import ml.tables
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from tests.schema import assert_as_declared, models_of

MIGRATIONS = Path(ml.tables.__file__).parent / "migrations"


def test_every_migrated_table_is_the_one_its_model_declares(database_url: str) -> None:
    database = Database(database_url)
    upgrade(database, MIGRATIONS)
    models = models_of(ml.tables)
    assert models
    for model in models:
        assert_as_declared(database, model)
