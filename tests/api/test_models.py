"""Models through the doors: what is promoted is what MLflow calls the champion."""

import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from api.candidates import candidates_of, promote_candidate, roll_back, service_folder
from api.challenge import challenge
from api.jobs.model_replay import TO_A_PERSON, Said, replay_classifier
from api.jobs.rounds import ROLES
from api.jobs.training import train
from api.models import model_rows
from api.wiring import World, build_world
from core_sync.clock import now
from core_sync.errors import VerbRefused
from core_sync.failures.record import NewFailure, record_failure
from core_sync.settings import Settings
from ml.registry.evaluation_sets import EvaluationSets
from ml.registry.manifest import read_manifest, write_manifest
from ml.registry.promotion import rollback
from ml.registry.service_models import SHIPPED
from ml.registry.tracking import log_training
from ml.root_cause.fusion import Situation
from ml.root_cause.persist import save
from ml.triage.diagnose import diagnose
from ml.triage.gather import gather

SOME = EvaluationSets(part=8)
TIMED_OUT = "upstream request timed out after 30 s"


def test_the_promoted_version_is_the_champion_in_mlflow(world: World, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    folder = Path(shutil.copytree(SHIPPED / "delta_detector", tmp_path / "trained"))
    (folder / "note.json").write_text("{}")
    metrics = read_manifest(SHIPPED / "delta_detector").metrics
    manifest = write_manifest(folder, "delta_detector", now(), "the same again", 1, metrics)
    shutil.copytree(folder, candidates_of(world, "delta_detector") / manifest.version)
    uri = world.settings.mlflow_uri
    log_training(uri, folder, manifest)
    promote_candidate(world, "delta_detector", None, "a data scientist", equal_is_enough=True, sets=SOME)
    champion = MlflowClient(tracking_uri=uri, registry_uri=uri).get_model_version_by_alias("delta_detector", "champion")
    assert champion.tags["hash"] == manifest.version

    roll_back(world, "delta_detector", "a data scientist")
    known = MlflowClient(tracking_uri=uri, registry_uri=uri).get_registered_model("delta_detector").aliases
    assert known == {"previous": champion.version}, "the baseline was never a run, and is no champion there"


def test_a_detector_does_not_pretend_to_learn_from_failures_of_ones_own(tmp_path: Path) -> None:
    with pytest.raises(VerbRefused, match="only root_cause learns"):
        train("delta_detector", tmp_path, 1, now(), lambda _: None, data=tmp_path / "failures.csv")


def test_a_running_service_takes_a_promoted_version_and_its_rollback_without_restart(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    shipped = read_manifest(SHIPPED / "root_cause")
    folder = Path(shutil.copytree(SHIPPED / "root_cause", tmp_path / "trained"))
    (folder / "note.json").write_text("{}")
    manifest = write_manifest(folder, "root_cause", now(), "the same again", 1, shipped.metrics)
    shutil.copytree(folder, candidates_of(world, "root_cause") / manifest.version)

    _diagnose_one(world, TIMED_OUT)
    elsewhere = build_world(settings)
    promote_candidate(elsewhere, "root_cause", manifest.version, "a data scientist", equal_is_enough=True, sets=SOME)
    _diagnose_one(world, TIMED_OUT)
    with elsewhere.database.transaction() as connection:
        rollback(connection, "root_cause", "a data scientist", now())
    elsewhere.close()
    _diagnose_one(world, TIMED_OUT)

    told = [row for row in model_rows(world) if row["name"] == "root_cause"]
    assert [(row["version"], row["live"], row["decided"]) for row in told] == [
        (shipped.version, True, 2),
        (manifest.version, False, 1),
        (shipped.version, False, 2),
    ]
    assert told[1]["decisions"] == {"timeout": 1}


def test_what_a_baseline_of_an_earlier_version_decided_is_still_told(world: World) -> None:
    _diagnose_one(world, TIMED_OUT)
    with world.database.transaction() as connection:
        connection.execute(text("UPDATE diagnosis SET model_version = 'earlier'"))
    live, earlier = [row for row in model_rows(world) if row["name"] == "root_cause"]
    assert (live["live"], live["decided"]) == (True, 0)
    assert (earlier["version"], earlier["role"], earlier["decided"]) == ("earlier", "before", 1)


def test_a_challenger_answers_in_rounds_and_models_tells_where_it_says_otherwise(world: World, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED / "root_cause", tmp_path / "trained"))
    (folder / "note.json").write_text("{}")
    manifest = write_manifest(folder, "root_cause", now(), "the same again", 1, {})
    shutil.copytree(folder, candidates_of(world, "root_cause") / manifest.version)
    assert challenge(world, None, "a data scientist") == manifest.version
    _diagnose_one(world, TIMED_OUT)
    assert ROLES["challenge"].round(world) == {"answered": 1}
    beside, live = [row for row in model_rows(world) if row["name"] == "root_cause"]
    assert (beside["role"], beside["version"]) == ("challenger", manifest.version)
    assert (beside["reason"], beside["decided"]) == ("answered 1 beside it, 0.0% otherwise", 0)
    assert (live["live"], live["decided"]) == (True, 1)

    promote_candidate(world, "root_cause", manifest.version, "a data scientist", equal_is_enough=True, sets=SOME)
    assert ROLES["challenge"].round(world) == {"answered": 0}


def test_a_challenger_whose_files_are_broken_is_told_and_hides_no_live_model(world: World, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED / "root_cause", tmp_path / "trained"))
    (folder / "note.json").write_text("{}")
    manifest = write_manifest(folder, "root_cause", now(), "the same again", 1, {})
    shutil.copytree(folder, candidates_of(world, "root_cause") / manifest.version)
    challenge(world, None, "a data scientist")
    (service_folder(world) / "root_cause" / manifest.version / "note.json").write_text("[]")
    beside, live = [row for row in model_rows(world) if row["name"] == "root_cause"]
    assert beside["reason"].startswith("cannot answer: the model in")
    assert live["live"]


def test_a_replay_tells_which_decisions_would_be_others_and_the_money_of_their_cases(
    world: World, tmp_path: Path
) -> None:
    _diagnose_one(world, TIMED_OUT)
    with world.database.transaction() as connection:
        gather(connection, now())
        connection.execute(text("UPDATE exception_case SET expected_loss = 1234500, currency = 'EUR'"))
    timid = replace(world.models.root_cause, temperatures=dict.fromkeys(Situation, 50.0))
    save(timid, tmp_path / "timid")
    write_manifest(tmp_path / "timid", "root_cause", now(), "nothing", 1, {})
    assert replay_classifier(world, tmp_path / "timid", 1) == [
        Said("timeout", "abstained", 1, 1, Decimal("123.45"), "EUR", "retry_push", TO_A_PERSON)
    ]
    assert [one.is_another for one in replay_classifier(world, SHIPPED / "root_cause", 1)] == [False]


def test_a_users_table_of_codes_is_heeded_by_the_service(settings: Settings, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'systems = ["acme"]\nsource = "Acme handbook"\n[codes]\n'
        'W17 = ["backlog", 0.99, "later", "The nightly run has not come.", "Wait for it."]\n'
    )
    world = build_world(settings.model_copy(update={"code_files": (str(own),)}))
    _diagnose_one(world, "stock update refused: W17", system="acme", error_code="W17")
    (row,) = [row for row in model_rows(world) if row["name"] == "root_cause"]
    assert row["decisions"] == {"posting_delay": 1}
    world.close()


def _diagnose_one(world: World, message: str, system: str = "shop", error_code: str | None = None) -> None:
    """Tell the service of one more failure, and let it say what the cause is."""
    with world.database.transaction() as connection:
        record_failure(
            connection,
            NewFailure(
                kind="push",
                message=message,
                occurred_at=now(),
                recorded_at=now(),
                system=system,
                error_code=error_code,
                http_status=None if error_code else 504,
            ),
        )
    assert diagnose(world.database, world.models, now()) == 1
