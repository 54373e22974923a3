"""Migrations give exactly the tables that remediation declares, on both databases."""

import remediation.tables
from core_sync.database.engine import Database
from tests.schema import assert_as_declared, models_of


def test_every_migrated_table_is_the_one_its_model_declares(database: Database) -> None:
    models = models_of(remediation.tables)
    assert models
    for model in models:
        assert_as_declared(database, model)
