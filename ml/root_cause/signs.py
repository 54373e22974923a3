"""What structured evidence says in plain rules: the reasons given to people, and the rule table to beat."""

from collections.abc import Iterator
from dataclasses import dataclass

from ml.root_cause.causes import RootCause, Subclass
from ml.root_cause.codes.table import Code, CodeTable
from ml.root_cause.evidence import FailureEvidence

LONG_ANSWER_MS = 20_000.0
"""An answer slower than this speaks for a timeout; most clients give up at 30 s."""
LATE_LAGS = 4.0
"""A lag so many times the usual one speaks for a posting that is late."""
USUAL_LAG_S = 1800.0
"""Taken as usual where the warehouse's own lag is not known."""
OLD_RESERVATION_S = 24 * 3600.0
OUTAGE_NEIGHBOURS = 8
SURE_ENOUGH = 0.5
"""A code less certain than this decides nothing in the rule table."""
_ENDED = frozenset({"cancelled", "canceled", "shipped", "closed", "completed", "expired", "deleted"})


@dataclass(frozen=True)
class Sign:
    """One piece of evidence, the cause it speaks for, and what it says."""

    cause: RootCause
    subclass: Subclass | None
    said: str


def signs(evidence: FailureEvidence) -> list[Sign]:
    """The signs in ``evidence``, strongest first; none where nothing is told or all is as usual."""
    return [*_of_identity(evidence), *_of_reservation(evidence), *_of_posting(evidence), *_of_delivery(evidence)]


def rule_table(evidence: FailureEvidence, codes: CodeTable) -> RootCause:
    """The cause by codes and signs alone, without any learning: the vendor's code, else a sign, else the status."""
    known = codes.find(evidence.error_code, evidence.system) or codes.in_text(evidence.message)
    if known and known.certainty >= SURE_ENOUGH:
        return known.root_cause
    told = signs(evidence)
    if told:
        return told[0].cause
    status: Code | None = codes.status(evidence.http_status)
    return status.root_cause if status and status.certainty >= SURE_ENOUGH else RootCause.OTHER


def _of_identity(evidence: FailureEvidence) -> Iterator[Sign]:
    if evidence.duplicate_of:
        kind = Subclass.BUSINESS_KEY if evidence.business_key_hit else Subclass.REDELIVERY
        yield Sign(RootCause.DUPLICATE, kind, f"the same was told before as {evidence.duplicate_of}")
    if evidence.mapping_candidates == 0:
        yield Sign(RootCause.SKU_MAPPING, Subclass.UNMAPPED_SKU, "no SKU answers to the code")
    elif evidence.mapping_candidates is not None and evidence.mapping_candidates > 1:
        said = f"{evidence.mapping_candidates} SKUs answer to the code"
        yield Sign(RootCause.SKU_MAPPING, Subclass.AMBIGUOUS_SKU, said)


def _of_reservation(evidence: FailureEvidence) -> Iterator[Sign]:
    age = evidence.reservation_age_s
    state = (evidence.order_state or "").lower()
    if age is not None and state in _ENDED:
        kind = Subclass.CANCELLED_ORDER if state.startswith("cancel") else Subclass.LEAKED
        yield Sign(RootCause.STALE_RESERVATION, kind, f"a reservation is held for an order that is {state}")
    elif age is not None and age > OLD_RESERVATION_S:
        said = f"the reservation is {age / 3600:.0f} h old"
        yield Sign(RootCause.STALE_RESERVATION, Subclass.EXPIRED_HOLD, said)


def _of_posting(evidence: FailureEvidence) -> Iterator[Sign]:
    lag = evidence.event_lag_s
    usual = evidence.event_lag_normal_s or USUAL_LAG_S
    if lag is not None and lag > LATE_LAGS * usual:
        said = f"the books lag {lag / 60:.0f} min behind, {lag / usual:.0f} times the usual"
        yield Sign(RootCause.POSTING_DELAY, Subclass.LATE_CONFIRMATION, said)
    if evidence.visible_age_s is not None and evidence.visible_age_s > USUAL_LAG_S:
        said = f"accepted {evidence.visible_age_s / 60:.0f} min ago and not visible"
        yield Sign(RootCause.POSTING_DELAY, Subclass.ACCEPTED_NOT_APPLIED, said)


def _of_delivery(evidence: FailureEvidence) -> Iterator[Sign]:
    if evidence.latency_ms is not None and evidence.latency_ms > LONG_ANSWER_MS:
        yield Sign(RootCause.TIMEOUT, None, f"the answer took {evidence.latency_ms / 1000:.0f} s")
    if evidence.neighbours is not None and evidence.neighbours >= OUTAGE_NEIGHBOURS:
        said = f"{evidence.neighbours} other updates to the same system failed within minutes"
        yield Sign(RootCause.TIMEOUT, Subclass.OUTAGE, said)
