"""A model is loaded only if every file is the one its manifest names; only better ones are promoted."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from core_sync.clock import now
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.errors import VerbRefused
from ml.registry.manifest import ARTEFACT_BYTES_MAX, MODEL_NAMES, ModelRefused, read_manifest, write_manifest
from ml.registry.promotion import promote, releases, rollback, worse_than
from ml.registry.service_models import SHIPPED, live_folder, live_models

ML_TABLES = Path(__file__).parents[3] / "ml" / "migrations"


@pytest.fixture
def database(sqlite_url: str) -> Database:
    database = Database(sqlite_url)
    upgrade(database, ML_TABLES)
    return database


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    """The shipped detector of deltas with another sidecar, so another version of it."""
    folder = tmp_path / "candidate"
    shutil.copytree(SHIPPED / "delta_detector", folder)
    (folder / "note.json").write_text("{}")
    shipped = read_manifest(SHIPPED / "delta_detector")
    write_manifest(folder, "delta_detector", now(), "the same again", 1, shipped.metrics)
    return folder


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_shipped_model_is_what_its_manifest_says_and_small(name: str) -> None:
    manifest = read_manifest(SHIPPED / name)
    assert manifest.name == name
    assert manifest.metrics
    assert (SHIPPED / name / "CARD.md").is_file()
    assert all((SHIPPED / name / file).stat().st_size <= ARTEFACT_BYTES_MAX for file in manifest.files)


def test_a_tampered_artefact_is_refused(candidate: Path) -> None:
    with (candidate / "forest.skops").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelRefused, match=r"forest\.skops has another hash"):
        read_manifest(candidate)


def test_a_file_too_many_or_too_few_is_refused(candidate: Path) -> None:
    (candidate / "extra.pkl").write_bytes(b"")
    with pytest.raises(ModelRefused, match=r"extra\.pkl is not in the manifest"):
        read_manifest(candidate)
    (candidate / "extra.pkl").unlink()
    (candidate / "forest.skops").unlink()
    with pytest.raises(ModelRefused, match=r"forest\.skops is missing"):
        read_manifest(candidate)


def test_promotion_makes_a_version_live_and_rollback_takes_it_back(
    database: Database, candidate: Path, tmp_path: Path
) -> None:
    with database.transaction() as connection:
        promoted = promote(connection, candidate, tmp_path / "service", "a data scientist", now())
    assert live_models(database).version("delta_detector") == promoted.version
    assert live_models(database).delta_detector.trained_rows > 0
    with database.transaction() as connection:
        back = rollback(connection, "delta_detector", "a data scientist", now())
        told = releases(connection, "delta_detector")
    assert live_models(database).version("delta_detector") == back.version != promoted.version
    assert [release.reason for release in told] == ["rolled back", "promoted", "shipped baseline"]


def another(candidate: Path, note: str) -> Path:
    """``candidate`` once more with another sidecar."""
    folder = Path(shutil.copytree(candidate, candidate.with_name(note)))
    (folder / "note.json").write_text(f'"{note}"')
    write_manifest(folder, "delta_detector", now(), note, 1, read_manifest(SHIPPED / "delta_detector").metrics)
    return folder


def test_rolling_back_twice_goes_back_by_two_versions(database: Database, candidate: Path, tmp_path: Path) -> None:
    with database.transaction() as connection:
        for folder in (another(candidate, "first"), another(candidate, "second")):
            promote(connection, folder, tmp_path / "service", "a data scientist", now())
        rollback(connection, "delta_detector", "a data scientist", now())
        back = rollback(connection, "delta_detector", "a data scientist", now())
        assert back == read_manifest(SHIPPED / "delta_detector")
        assert live_folder(connection, "delta_detector") == SHIPPED / "delta_detector"
        with pytest.raises(VerbRefused, match="nothing was before it"):
            rollback(connection, "delta_detector", "a data scientist", now())


def test_a_version_that_is_not_that_of_the_files_is_refused(candidate: Path) -> None:
    manifest = candidate / "manifest.json"
    manifest.write_text(manifest.read_text().replace(read_manifest(candidate).version, "../../elsewhere"))
    with pytest.raises(ModelRefused, match="version is not that of its files"):
        read_manifest(candidate)


def test_a_promotion_that_was_cut_off_does_not_stand_in_the_way(
    database: Database, candidate: Path, tmp_path: Path
) -> None:
    (tmp_path / "service" / "delta_detector" / read_manifest(candidate).version).mkdir(parents=True)
    with database.transaction() as connection:
        promote(connection, candidate, tmp_path / "service", "a data scientist", now())
    assert live_models(database).delta_detector.trained_rows > 0


def test_a_model_made_for_other_code_is_not_promoted(database: Database, candidate: Path, tmp_path: Path) -> None:
    sidecar = candidate / "detector.json"
    sidecar.write_text(sidecar.read_text().replace('"format": 1', '"format": 99'))
    write_manifest(candidate, "delta_detector", now(), "x", 1, read_manifest(SHIPPED / "delta_detector").metrics)
    with database.transaction() as connection, pytest.raises(ModelRefused, match="format 99"):
        promote(connection, candidate, tmp_path / "service", "a data scientist", now())


def test_files_changed_after_the_manifests_were_read_are_not_loaded(
    database: Database, candidate: Path, tmp_path: Path
) -> None:
    with database.transaction() as connection:
        promote(connection, candidate, tmp_path / "service", "a data scientist", now())
        live = live_folder(connection, "delta_detector")
    models = live_models(database)
    assert models.version("delta_detector") == live.name
    (live / "fault_probability.json").write_text("{}")
    with pytest.raises(ModelRefused, match="another hash"):
        models.load("delta_detector")


def test_a_worse_model_is_refused_with_the_reason(database: Database, candidate: Path, tmp_path: Path) -> None:
    shipped = read_manifest(SHIPPED / "delta_detector")
    worse = {**shipped.metrics, "average_precision": shipped.metrics["average_precision"] - 0.05}
    write_manifest(candidate, "delta_detector", now(), "less", 1, worse)
    with database.transaction() as connection, pytest.raises(VerbRefused, match="average_precision is"):
        promote(connection, candidate, tmp_path / "service", "a data scientist", now())
    with database.reading() as connection:
        assert live_folder(connection, "delta_detector") == SHIPPED / "delta_detector"
        assert connection.execute(text("SELECT COUNT(*) FROM model_release")).scalar_one() == 0


def test_no_root_cause_may_lose_much_whatever_the_mean_says() -> None:
    champion = replace(
        read_manifest(SHIPPED / "root_cause"), metrics={"fused.macro_f1": 0.8, "fused.f1.duplicate": 0.8}
    )
    challenger = replace(champion, metrics={"fused.macro_f1": 0.85, "fused.f1.duplicate": 0.7})
    assert worse_than(challenger, champion) == "fused.f1.duplicate falls from 0.800 to 0.700"
    assert worse_than(champion, champion) is None


def test_a_root_cause_model_no_better_than_the_rules_is_refused() -> None:
    shipped = read_manifest(SHIPPED / "root_cause")
    champion = replace(shipped, metrics={"fused.macro_f1": 0.50})
    challenger = replace(shipped, metrics={"fused.macro_f1": 0.50, "rule_table_alone.macro_f1": 0.50})
    assert worse_than(challenger, champion) == "fused.macro_f1 is 0.500, the table of rules alone has 0.500"
    better = replace(challenger, metrics={"fused.macro_f1": 0.52, "rule_table_alone.macro_f1": 0.50})
    assert worse_than(better, champion) is None


def test_there_is_nothing_before_the_baseline(database: Database) -> None:
    with database.transaction() as connection, pytest.raises(VerbRefused, match="shipped baseline"):
        rollback(connection, "root_cause", "a data scientist", now())
