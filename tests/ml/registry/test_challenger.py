"""A challenger answers what the live model decides, beside it and never instead of it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from core_sync.clock import now, to_microseconds
from core_sync.database.engine import Database
from core_sync.errors import VerbRefused
from core_sync.failures.record import NewFailure, record_failure
from ml.labels.tables import CauseLabel
from ml.registry.challenger import challenger, end_challenge, name_challenger
from ml.registry.disagreement import Otherwise, beside
from ml.registry.manifest import ModelRefused, write_manifest
from ml.registry.promotion import rollback
from ml.registry.service_models import SHIPPED, ServiceModels, shipped_models
from ml.registry.tables import ModelRelease
from ml.root_cause.fusion import Situation
from ml.root_cause.persist import save
from ml.triage.diagnose import answer_beside, diagnose
from tests.builders import MONDAY

MODELS = shipped_models()


@pytest.fixture(scope="session")
def timid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model as one that is sure of nothing, so that it abstains."""
    folder = tmp_path_factory.mktemp("timid") / "model"
    save(replace(MODELS.root_cause, temperatures=dict.fromkeys(Situation, 50.0)), folder)
    write_manifest(folder, "root_cause", MONDAY, "nothing", 1, {"fused.macro_f1": 0.1})
    return folder


def fails(database: Database, *messages: str) -> None:
    """Failures, and what the live model decides of them."""
    with database.transaction() as connection:
        for message in messages:
            told = NewFailure(kind="push", message=message, occurred_at=MONDAY, recorded_at=MONDAY, system=message)
            record_failure(connection, replace(told, http_status=504))
    diagnose(database, MODELS, MONDAY)


def answers(database: Database) -> int:
    with database.reading() as connection:
        named = challenger(connection)
    assert named is not None
    return answer_beside(database, named, ServiceModels({"root_cause": named.folder}), MONDAY)


def test_it_answers_each_failure_decided_since_it_was_named_once_and_decides_none(
    database: Database, timid: Path, tmp_path: Path
) -> None:
    fails(database, "upstream timed out")
    version = name_challenger(database, timid, tmp_path, "ada", MONDAY).version
    fails(database, "gateway timed out", "the request timed out after 30 s")
    assert answers(database) == 2
    assert answers(database) == 0
    fails(database, "read timed out")
    assert answers(database) == 1
    with database.reading() as connection:
        decided = connection.execute(text("SELECT DISTINCT model_version FROM diagnosis")).scalars().all()
        beside_it = connection.execute(text("SELECT DISTINCT model_version FROM challenger_diagnosis")).scalars().all()
    assert (decided, beside_it) == ([MODELS.version("root_cause")], [version])


def test_where_it_answers_otherwise_is_told_with_who_was_right(database: Database, timid: Path, tmp_path: Path) -> None:
    version = name_challenger(database, timid, tmp_path, "ada", MONDAY).version
    with database.reading() as connection:
        assert beside(connection, version).share is None
    fails(database, "gateway timed out", "the request timed out after 30 s")
    answers(database)
    label(database, failure=1, root_cause="timeout")
    with database.reading() as connection:
        told = beside(connection, version)
    assert told.otherwise == (Otherwise("timeout", "abstained", 2, 1, 1, 0),)
    assert (told.answered, told.share, told.live_right, told.challenger_right) == (2, 1.0, 1, 0)


def label(database: Database, failure: int, root_cause: str) -> None:
    with database.transaction() as connection:
        connection.execute(
            insert(CauseLabel).values(
                failure_id=failure, case_id=1, entry_id=1, source="override", root_cause=root_cause, actor="ada",
                told_at=1, ripe_at=1, taken_at=1, evidence="{}",
            )
        )  # fmt: skip


def test_nobody_answers_once_it_was_ended_or_is_live_itself(database: Database, timid: Path, tmp_path: Path) -> None:
    manifest = name_challenger(database, timid, tmp_path, "ada", MONDAY)
    end_challenge(database, "ada", MONDAY)
    with database.reading() as connection:
        assert challenger(connection) is None
    with pytest.raises(VerbRefused, match="nobody answers"):
        end_challenge(database, "ada", MONDAY)

    name_challenger(database, timid, tmp_path, "ada", MONDAY)
    with database.transaction() as connection:
        live = ModelRelease(
            name="root_cause", version=manifest.version, folder=str(timid), released_at=to_microseconds(now()),
            released_by="ada", reason="promoted",
        )  # fmt: skip
        connection.execute(insert(ModelRelease).values(**live.model_dump(exclude={"release_id"})))
    with database.reading() as connection:
        assert challenger(connection) is None
    with pytest.raises(VerbRefused, match="it is live already"):
        name_challenger(database, timid, tmp_path, "ada", MONDAY)

    with database.transaction() as connection:
        rollback(connection, "root_cause", "ada", now())
    with database.reading() as connection:
        assert challenger(connection) is None, "its promotion ended it, rolled back or not"


def test_what_a_promotion_would_refuse_to_load_may_not_answer_either(
    database: Database, timid: Path, tmp_path: Path
) -> None:
    with pytest.raises(VerbRefused, match="only root_cause"):
        name_challenger(database, SHIPPED / "delta_detector", tmp_path, "ada", MONDAY)
    tampered = Path(shutil.copytree(timid, tmp_path / "tampered"))
    (tampered / "recipe.json").write_text(json.dumps({}))
    with pytest.raises(ModelRefused):
        name_challenger(database, tampered, tmp_path, "ada", MONDAY)
