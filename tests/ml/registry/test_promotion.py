"""Promotion measures for itself: better, as good, worse, tampered with, made for other code, or by pickle."""

import json
import pickle
import shutil
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sqlalchemy import text

from core_sync.clock import now
from core_sync.database.engine import Database
from core_sync.errors import VerbRefused
from ml.registry.evaluation_sets import EvaluationSets, frozen_failures
from ml.registry.gate import Comparison, judge_classifier, refusal
from ml.registry.manifest import ModelRefused, read_manifest, write_manifest
from ml.registry.promotion import Promoted, promote, releases, rollback
from ml.registry.resampling import Gain, average_precision
from ml.registry.service_models import SHIPPED, live_folder, live_models, shipped_models
from ml.root_cause.causes import CAUSES
from ml.root_cause.classifier import RootCauseClassifier
from ml.root_cause.codes.table import CodeTable
from ml.root_cause.persist import save
from ml.root_cause.text import text_model

SOME = EvaluationSets(part=12)
"""Some of the frozen rows: enough for what is tested here."""


@pytest.fixture
def database(sqlite_url: str) -> Database:
    return Database(sqlite_url)


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    """The shipped detector of deltas with another sidecar, so another version of it."""
    return copy_of("delta_detector", tmp_path / "candidate")


def copy_of(name: str, folder: Path, metrics: Mapping[str, float] | None = None) -> Path:
    shutil.copytree(SHIPPED / name, folder)
    (folder / "note.json").write_text(json.dumps(folder.name))
    signed(folder, name, metrics)
    return folder


def signed(folder: Path, name: str, metrics: Mapping[str, float] | None = None) -> None:
    """A manifest that says of the files whatever it likes."""
    write_manifest(folder, name, now(), "the same again", 1, metrics or read_manifest(SHIPPED / name).metrics)


def promoted(database: Database, candidate: Path, as_good: bool = True, sets: EvaluationSets = SOME) -> Promoted:
    return promote(database, candidate, candidate.parent / "service", "a data scientist", now(), as_good, sets)


def dulled(model: RootCauseClassifier, share: float) -> RootCauseClassifier:
    """``model`` with a ``share`` of what its text part learnt forgotten."""
    estimator = deepcopy(model.text.estimator)
    estimator.coef_[np.random.default_rng(1).random(estimator.coef_.shape) < share] = 0.0
    return replace(model, text=text_model(estimator, model.text.temperature))


def test_promotion_makes_a_version_live_and_rollback_takes_it_back(database: Database, candidate: Path) -> None:
    told = promoted(database, candidate)
    assert live_models(database).version("delta_detector") == told.manifest.version
    assert live_models(database).delta_detector.trained_rows > 0
    with database.transaction() as connection:
        back = rollback(connection, "delta_detector", "a data scientist", now())
        rows = releases(connection, "delta_detector")
    assert back is not None
    assert live_models(database).version("delta_detector") == back.version != told.manifest.version
    assert [row.reason for row in rows] == ["rolled back", "promoted", "shipped baseline"]
    assert [row.evaluation for row in rows] == [None, told.verdict.comparisons[0].digest, None]


def test_what_was_measured_is_kept_with_the_release(database: Database, candidate: Path) -> None:
    promoted(database, candidate)
    with database.reading() as connection:
        kept = json.loads(connection.execute(text("SELECT figures FROM model_release")).scalar_one())
    (compared,) = kept["comparisons"]
    assert compared["measure"] == "average_precision"
    assert compared["challenger"] == compared["champion"] > compared["rules"]


def test_a_model_as_good_as_the_live_one_needs_to_be_let_pass(database: Database, candidate: Path) -> None:
    with pytest.raises(VerbRefused, match="not better by more than chance"):
        promoted(database, candidate, as_good=False)
    promoted(database, candidate, as_good=True)


def test_a_manifest_that_boasts_changes_nothing(database: Database, tmp_path: Path) -> None:
    boasting = copy_of("delta_detector", tmp_path / "boasting", {"average_precision": 1.0})
    with pytest.raises(VerbRefused, match="not better by more than chance"):
        promoted(database, boasting, as_good=False)


def test_a_worse_model_is_refused_with_the_reason_whatever_its_manifest_says(
    database: Database, tmp_path: Path
) -> None:
    folder = copy_of("root_cause", tmp_path / "worse", {"fused.macro_f1": 0.99})
    save(dulled(shipped_models().root_cause, 0.6), folder)
    signed(folder, "root_cause", {"fused.macro_f1": 0.99})
    with pytest.raises(VerbRefused, match=r"macro_f1 is 0\.\d+, the live version has 0\.\d+ .* it is worse"):
        promoted(database, folder)
    with database.reading() as connection:
        assert live_folder(connection, "root_cause") == SHIPPED / "root_cause"
        assert connection.execute(text("SELECT COUNT(*) FROM model_release")).scalar_one() == 0


def test_a_model_that_is_better_by_more_than_chance_passes(database: Database) -> None:
    model = shipped_models().root_cause
    verdict = judge_classifier(model, dulled(model, 0.6), SOME.of_failures())
    (compared,) = verdict.comparisons
    assert verdict.refused is None
    assert compared.over_champion is not None
    assert compared.over_champion.beyond_noise
    assert compared.over_rules.beyond_noise


def test_no_root_cause_may_lose_much_whatever_the_mean_says() -> None:
    gain = Gain(0.05, 0.03, 0.07)
    compared = Comparison("the rows", "0", 900, "macro_f1", 0.85, 0.8, 0.4, gain, gain, {"duplicate": (0.70, 0.80)})
    assert refusal([compared], 1.0, equal_is_enough=False) == "F1 of duplicate falls from 0.800 to 0.700 on the rows"
    assert refusal([replace(compared, by_class={"duplicate": (0.76, 0.80)})], 1.0, equal_is_enough=False) is None


def test_a_model_that_takes_much_longer_over_an_answer_is_refused() -> None:
    gain = Gain(0.05, 0.03, 0.07)
    compared = Comparison("the rows", "0", 900, "macro_f1", 0.85, 0.8, 0.4, gain, gain)
    assert refusal([compared], 2.4, equal_is_enough=False) == "one answer takes 2.4 times as long as the live version's"


def test_a_model_no_better_than_the_rules_alone_is_refused() -> None:
    model = shipped_models().root_cause
    known = SOME.of_failures()[0]
    told = np.array([CAUSES.index(one.root_cause) for one in model.classify(known.evidences)])
    wrong = replace(known, truth=(told + 1) % len(CAUSES))
    verdict = judge_classifier(model, None, [wrong])
    assert verdict.refused is not None
    assert "rules alone have" in verdict.refused


def test_what_is_measured_ranks_as_scikit_learn_does() -> None:
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(3)
    score, faulty = rng.integers(0, 20, 300).astype(float), rng.random(300) < 0.2
    weights = rng.integers(0, 3, 300).astype(float)
    assert average_precision(score, faulty, weights[None])[0] == pytest.approx(
        average_precision_score(faulty, score, sample_weight=weights)
    )


def test_rolling_back_twice_goes_back_by_two_versions(database: Database, tmp_path: Path) -> None:
    for note in ("first", "second"):
        promoted(database, copy_of("delta_detector", tmp_path / note))
    with database.transaction() as connection:
        rollback(connection, "delta_detector", "a data scientist", now())
        back = rollback(connection, "delta_detector", "a data scientist", now())
        assert back == read_manifest(SHIPPED / "delta_detector")
        assert live_folder(connection, "delta_detector") == SHIPPED / "delta_detector"
        with pytest.raises(VerbRefused, match="nothing was before it"):
            rollback(connection, "delta_detector", "a data scientist", now())


def test_a_promotion_that_was_cut_off_does_not_stand_in_the_way(database: Database, candidate: Path) -> None:
    (candidate.parent / "service" / "delta_detector" / read_manifest(candidate).version).mkdir(parents=True)
    promoted(database, candidate)
    assert live_models(database).delta_detector.trained_rows > 0


def test_a_model_made_for_other_code_is_not_promoted(database: Database, candidate: Path) -> None:
    sidecar = candidate / "detector.json"
    sidecar.write_text(sidecar.read_text().replace('"format": 1', '"format": 99'))
    signed(candidate, "delta_detector")
    with pytest.raises(ModelRefused, match="format 99"):
        promoted(database, candidate)


def test_a_model_with_another_signature_is_not_promoted(database: Database, tmp_path: Path) -> None:
    folder = copy_of("root_cause", tmp_path / "other_features")
    recipe = json.loads((folder / "recipe.json").read_text())
    (folder / "recipe.json").write_text(json.dumps(recipe | {"structured_features": ["attempts"]}))
    signed(folder, "root_cause")
    with pytest.raises(ModelRefused, match="made for other features"):
        promoted(database, folder)


def test_a_pickle_is_not_promoted_and_never_opened(database: Database, tmp_path: Path) -> None:
    folder = copy_of("root_cause", tmp_path / "pickled")
    (folder / "text.skops").write_bytes(pickle.dumps(_Bomb(str(tmp_path / "opened"))))
    signed(folder, "root_cause")
    with pytest.raises(ModelRefused, match="no skops file"):
        promoted(database, folder)
    assert not (tmp_path / "opened").exists()


def test_a_type_that_is_not_on_our_list_is_not_loaded(database: Database, tmp_path: Path) -> None:
    folder = copy_of("root_cause", tmp_path / "foreign")
    skops.io.dump(CodeTable({}), folder / "text.skops")
    signed(folder, "root_cause")
    with pytest.raises(ModelRefused, match=r"text\.skops holds ml\.root_cause\.codes\.table\.CodeTable"):
        promoted(database, folder)


def test_a_tampered_artefact_is_not_promoted(database: Database, candidate: Path) -> None:
    with (candidate / "forest.skops").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelRefused, match=r"forest\.skops has another hash"):
        promoted(database, candidate)


def test_files_changed_after_the_manifests_were_read_are_not_loaded(database: Database, candidate: Path) -> None:
    promoted(database, candidate)
    with database.reading() as connection:
        live = live_folder(connection, "delta_detector")
    models = live_models(database)
    assert models.version("delta_detector") == live.name
    (live / "fault_probability.json").write_text("{}")
    with pytest.raises(ModelRefused, match="another hash"):
        models.load("delta_detector")
    signed(live, "delta_detector")
    with pytest.raises(ModelRefused, match=f"it was version {live.name} a while ago"):
        models.load("delta_detector")


def test_there_is_nothing_before_the_baseline(database: Database) -> None:
    with database.transaction() as connection, pytest.raises(VerbRefused, match="shipped baseline"):
        rollback(connection, "root_cause", "a data scientist", now())


def test_the_frozen_failures_tell_of_every_cause() -> None:
    counts = np.bincount(frozen_failures().truth, minlength=len(CAUSES))
    assert counts.min() >= 100


class _Bomb:
    """Unpickled, it makes the file it names."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")
