"""The classifier: each source of evidence counts, doubt is said, and reasons are given."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ml.root_cause.causes import PARENT, RootCause, Subclass
from ml.root_cause.classifier import RootCauseClassifier
from ml.root_cause.codes.table import Retry, codes_with
from ml.root_cause.evidence import FailureEvidence
from ml.root_cause.persist import RECIPE, TEXT, ArtefactRefused, load, save
from ml.root_cause.train import TrainedClassifier, train_root_cause
from tests.ml.root_cause.conftest import SMALL


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("the push to the marketplace timed out after 30 s", RootCause.TIMEOUT),
        ("Zu viele Anfragen, bitte warten", RootCause.TIMEOUT),
        ("barcode 4006381333931 does not match any item", RootCause.SKU_MAPPING),
        ("La referencia del artículo no existe", RootCause.SKU_MAPPING),
        ("reservation for the abandoned cart has expired", RootCause.STALE_RESERVATION),
        ("this receipt has already been posted", RootCause.DUPLICATE),
        ("La commande a déjà été expédiée", RootCause.DUPLICATE),
        ("posting date is outside the open fiscal period", RootCause.POSTING_DELAY),
        ("you are not authorised to adjust stock", RootCause.OTHER),
        ("quantity must be greater than zero", RootCause.OTHER),
    ],
)
def test_words_alone_tell_the_cause_in_several_languages(
    classifier: RootCauseClassifier, message: str, cause: RootCause
) -> None:
    assert classifier.classify([FailureEvidence(message=message)])[0].root_cause is cause


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (FailureEvidence(http_status=504, attempts=5, latency_ms=31_000.0), RootCause.TIMEOUT),
        (FailureEvidence(mapping_candidates=0, http_status=404), RootCause.SKU_MAPPING),
        (FailureEvidence(reservation_age_s=4e5, order_state="cancelled"), RootCause.STALE_RESERVATION),
        (FailureEvidence(duplicate_of="evt-1", http_status=409), RootCause.DUPLICATE),
        (FailureEvidence(event_lag_s=30_000.0, event_lag_normal_s=900.0), RootCause.POSTING_DELAY),
        (FailureEvidence(http_status=403), RootCause.OTHER),
    ],
)
def test_structure_alone_tells_the_cause(
    classifier: RootCauseClassifier, evidence: FailureEvidence, cause: RootCause
) -> None:
    assert classifier.classify([evidence])[0].root_cause is cause


def test_with_no_evidence_at_all_it_says_so_and_leaves_it_to_a_person(classifier: RootCauseClassifier) -> None:
    told = classifier.classify([FailureEvidence()])[0]
    assert told.abstained
    assert told.reasons == ("no evidence; the most frequent cause",)
    assert told.subclass is None


def test_a_text_of_unknown_words_is_called_new(classifier: RootCauseClassifier) -> None:
    told = classifier.classify([FailureEvidence(message="zxqv wplk brrgh tnnk vlooq mmurp")])[0]
    assert told.abstained
    assert "the wording is new" in told.reasons


def test_a_documented_code_decides_and_says_whether_a_retry_helps(classifier: RootCauseClassifier) -> None:
    told = classifier.classify([FailureEvidence(message="call failed", system="shopify", error_code="THROTTLED")])[0]
    assert (told.root_cause, told.subclass, told.retry) == (RootCause.TIMEOUT, Subclass.RATE_LIMIT, Retry.LATER)
    assert told.reasons[0].startswith("code THROTTLED")


def test_a_users_code_counts_without_training_anew(classifier: RootCauseClassifier, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'systems = ["acme"]\nsource = "Acme"\n[codes]\n'
        'W17 = ["leaked", 0.98, "no", "A hold without owner.", "Free it."]\n'
    )
    save(classifier, tmp_path / "model")
    extended = load(tmp_path / "model", codes_with([own]))
    told = extended.classify([FailureEvidence(message="", system="acme", error_code="W17")])[0]
    assert (told.root_cause, told.subclass) == (RootCause.STALE_RESERVATION, Subclass.LEAKED)


def test_text_and_structure_that_agree_are_surer_than_either(classifier: RootCauseClassifier) -> None:
    text = FailureEvidence(message="the request timed out")
    structure = FailureEvidence(http_status=504, latency_ms=31_000.0)
    both = FailureEvidence(message="the request timed out", http_status=504, latency_ms=31_000.0)
    alone, without, joined = (
        told.probabilities[RootCause.TIMEOUT] for told in classifier.classify([text, structure, both])
    )
    assert joined > max(alone, without) - 0.02


def test_evidence_against_the_cause_is_named(classifier: RootCauseClassifier) -> None:
    told = classifier.classify(
        [FailureEvidence(message="deadlock detected, the request timed out", http_status=504, mapping_candidates=2)]
    )[0]
    assert told.root_cause is RootCause.TIMEOUT
    assert "against it: 2 SKUs answer to the code (sku_mapping)" in told.reasons


def test_every_diagnosis_is_consistent(classifier: RootCauseClassifier) -> None:
    evidences = [
        FailureEvidence(message="not yet confirmed"),
        FailureEvidence(message="SKU not found", http_status=404),
        FailureEvidence(error_code="QuotaExceeded", system="amazon"),
        FailureEvidence(attempts=2),
    ]
    for told in classifier.classify(evidences):
        assert sum(told.probabilities.values()) == pytest.approx(1)
        assert told.root_cause is max(told.probabilities, key=lambda cause: told.probabilities[cause])
        assert told.subclass is None or PARENT[told.subclass] is told.root_cause
        assert told.abstained or told.conformal_set == (told.root_cause,)
        assert told.reasons


def test_one_by_one_and_all_at_once_give_the_same(classifier: RootCauseClassifier) -> None:
    evidences = [FailureEvidence(message=f"no product found for code {n}", attempts=n or None) for n in range(5)]
    together = classifier.classify(evidences)
    for evidence, told in zip(evidences, together, strict=True):
        single = classifier.classify([evidence])[0]
        assert single.root_cause is told.root_cause
        assert single.probability == pytest.approx(told.probability, abs=1e-5)


def test_fusion_beats_each_part_and_the_rule_table(trained: TrainedClassifier) -> None:
    figures = trained.metrics
    assert figures["fused.macro_f1"] > figures["structure_alone.macro_f1"]
    assert figures["fused.macro_f1"] > figures["rule_table_alone.macro_f1"]
    assert figures["fused.macro_f1"] > 0.65
    assert figures["fused.right_when_not_abstained"] > figures["fused.accuracy"]


def test_simulated_failures_are_learnt_from_and_a_wrong_truth_is_refused() -> None:
    recipe = type(SMALL)(texts=600, evidence_rows=300, held_out=200, text_rounds=3, trees=3)
    rows = [{"id": f"f{n}", "neighbours": 40, "root_cause": "timeout", "subclass": "outage"} for n in range(60)]
    assert train_root_cause(rows, seed=1, recipe=recipe).metrics["fused.accuracy"] > 0
    with pytest.raises(ValueError, match="outage"):
        train_root_cause([{"root_cause": "other", "subclass": "outage"}], seed=1, recipe=recipe)


def test_a_saved_classifier_says_the_same_after_loading(classifier: RootCauseClassifier, tmp_path: Path) -> None:
    files = save(classifier, tmp_path)
    assert all(file.stat().st_size < 5_000_000 for file in files)
    evidences = [FailureEvidence(message="lot not found", attempts=2), FailureEvidence(http_status=429)]
    before, after = classifier.classify(evidences), load(tmp_path).classify(evidences)
    for one, other in zip(before, after, strict=True):
        assert (one.root_cause, one.subclass, one.abstained) == (other.root_cause, other.subclass, other.abstained)
        assert np.isclose(one.probability, other.probability, atol=1e-6)


def test_a_classifier_saved_again_is_the_same_to_the_byte(classifier: RootCauseClassifier, tmp_path: Path) -> None:
    first = save(classifier, tmp_path / "first")
    again = save(load(tmp_path / "first"), tmp_path / "again")
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in again]


def test_the_words_of_a_code_that_no_table_knows_are_heard(classifier: RootCauseClassifier) -> None:
    bare, coded = (
        classifier.classify([FailureEvidence(message="line 4 kept back", error_code=code)])[0]
        for code in (None, "BARCODE_NOT_FOUND")
    )
    mapping = RootCause.SKU_MAPPING
    assert coded.probabilities[mapping] > bare.probabilities[mapping]


def test_a_code_without_a_message_is_read_for_its_words(classifier: RootCauseClassifier) -> None:
    told = classifier.classify([FailureEvidence(error_code="UNIT_OF_MEASURE_UNKNOWN", system="wms")])[0]
    assert told.root_cause is RootCause.SKU_MAPPING


def test_a_foreign_or_mangled_artefact_is_refused(classifier: RootCauseClassifier, tmp_path: Path) -> None:
    save(classifier, tmp_path)
    (tmp_path / TEXT).write_bytes(b"\x80\x04not a skops file")
    with pytest.raises(ArtefactRefused, match="no skops file"):
        load(tmp_path)
    (tmp_path / RECIPE).write_text('{"format": 0}')
    with pytest.raises(ArtefactRefused, match="other features"):
        load(tmp_path)
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "nowhere")


def test_loading_and_classifying_do_not_import_mlflow() -> None:
    code = (
        "import sys, ml.root_cause.persist, ml.root_cause.files; "
        "sys.exit(any(m.split('.')[0] == 'mlflow' or m.startswith('ml.training') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
