"""Evidence and wording: what is missing stays missing, and what names one record is left out."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.root_cause.evidence import FailureEvidence, evidence_from
from ml.root_cause.evidence_matrix import evidence_matrix
from ml.root_cause.normalise import words


def test_a_missing_field_is_unknown_and_not_zero() -> None:
    matrix = evidence_matrix([evidence_from({"id": "f1", "message": ""}), evidence_from({"attempts": 0})])
    assert (matrix[0] != matrix[0]).all()
    assert matrix[1][1] == 0


@pytest.mark.parametrize(
    ("told", "count"), [(None, None), (0, 0), ("2", 2), ("A-1; A-2; A-3", 3), ('["A","B"]', 2), ([], 0), ("", None)]
)
def test_mapping_candidates_are_counted_however_they_are_told(told: object, count: int | None) -> None:
    assert evidence_from({"mapping_candidates": told}).mapping_candidates == count


def test_further_evidence_stands_in_json_and_never_overrides_a_column() -> None:
    row = {"attempts": 2, "evidence": '{"order_state": "cancelled", "attempts": 9}', "latency_ms": Decimal("12.5")}
    evidence = evidence_from(row)
    assert (evidence.order_state, evidence.attempts, evidence.latency_ms) == ("cancelled", 2, 12.5)


@given(st.dictionaries(st.sampled_from(["http_status", "attempts", "latency_ms", "message", "evidence"]), st.text()))
def test_no_text_in_a_column_stops_the_reading(row: dict[str, str]) -> None:
    assert isinstance(evidence_from(row), FailureEvidence)


@pytest.mark.parametrize(
    ("catalogue", "live"),
    [
        ("No stock for %s at {0}", "No stock for SKU-4711 at WH-01"),
        ("Order %(name)s is late", "Order 100234 is late"),
        ("Event ${id} refused", "Event 7f9c24e8-1111-2222-3333-abcdefabcdef refused"),
        ("Counted on {date}", "Counted on 2026-03-14T08:00:00Z"),
    ],
)
def test_a_catalogue_entry_and_the_live_message_made_from_it_read_the_same(catalogue: str, live: str) -> None:
    assert words(catalogue) == words(live)


def test_codes_written_as_one_word_come_apart() -> None:
    assert words("OutOfStock") == ["out", "of", "stock"]
    assert words("stock_not_found") == ["stock", "not", "found"]
    assert words("can't") == ["can", "not"]


@given(st.text())
def test_any_text_can_be_taken_apart(message: str) -> None:
    assert all(word == "#" or word.isalpha() for word in words(message))


def test_what_surrounds_a_failure_is_read_and_what_was_told_wins_over_it() -> None:
    row = {
        "message": "no answer",
        "surroundings": '{"neighbours": 12, "order_state": "open", "event_lag_normal_s": 90.5}',
        "evidence": '{"order_state": "cancelled"}',
    }
    evidence = evidence_from(row)
    assert (evidence.neighbours, evidence.order_state, evidence.event_lag_normal_s) == (12, "cancelled", 90.5)
