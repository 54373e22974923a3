"""Weigh cases: root cause from their signals, money at stake, expected loss, and why."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from core_sync.cases.weigh import Opinion, cases_to_review, write_opinion
from core_sync.outbox.backlog import backlog
from core_sync.outbox.failures import PUSH
from core_sync.outbox.listing import Listing
from ml.exposure.belief import Belief, certain
from ml.exposure.situation import Situation
from ml.exposure.terms import Basis, Term
from ml.exposure.terms import as_json as terms_as_json
from ml.exposure.time_to_fix import medians, time_to_fix
from ml.exposure.value import Exposure, exposures_of
from ml.registry.service_models import ServiceModels
from ml.root_cause.evidence import FailureEvidence
from ml.triage.market import Market, read_market
from ml.triage.stakes import SignalFacts, Stake, stakes_of

Recommend = Callable[[Connection, str], tuple[str, str]]
"""For a root cause: the action that removes it, and its rung on the autonomy ladder."""

REASONS_MAX = 6

HELD_BACK_MAX = 2_000
"""Listings of a channel that is out that are priced, the first to go first: these are what it costs most."""

TERMS_MAX = 20
"""Stakes told term by term, the dearest; the others are told together."""


@dataclass(frozen=True)
class Signals:
    """What a case consists of: rows of its open failures with diagnoses, and of its open anomalies."""

    failures: Sequence[Mapping[str, Any]]
    anomalies: Sequence[Mapping[str, Any]]
    held_back: Sequence[Listing] = ()
    """Listings that wait because a channel is out: what such a failure costs."""

    @property
    def priced_skus(self) -> set[str]:
        """The SKUs whose money is at stake."""
        return {*self.skus, *(listing.sku for listing in self.held_back)}

    @property
    def skus(self) -> list[str]:
        """The SKUs it touches."""
        return sorted({row["sku"] for row in (*self.failures, *self.anomalies) if row["sku"]})


def weigh_cases(
    connection: Connection,
    models: ServiceModels,
    recommend: Recommend,
    reporting: str,
    at: datetime,
    case_ids: Sequence[int] | None = None,
) -> int:
    """Weigh every case that asks for it (or ``case_ids``); returns how many that were."""
    wanted = cases_to_review(connection) if case_ids is None else list(case_ids)
    if not wanted:
        return 0
    signals = _signals(connection, wanted)
    market = read_market(connection, sorted(set().union(*(s.priced_skus for s in signals.values()))), reporting, at)
    fixed = medians(_closed(connection))
    for case_id in wanted:
        told = signals.get(case_id)
        if told is None:
            continue
        cause = _cause(told, models)
        stakes = stakes_of(_all_facts(told), market.shown)
        exposures = _price(stakes, cause["root_cause"], market, fixed)
        opinion = _opinion(
            told, cause, stakes, exposures, models, recommend(connection, cause["root_cause"]), reporting
        )
        write_opinion(connection, case_id, opinion, at)
    return len(wanted)


def _cause(signals: Signals, models: ServiceModels) -> dict[str, Any]:
    """The case's root cause: of its failures' diagnoses together, else of what its anomalies' figures suggest."""
    if signals.failures:
        return _pooled(signals.failures)
    lag = max((row["event_lag_s"] or 0.0 for row in signals.anomalies), default=0.0)
    age = max((row["reservation_age_s"] or 0.0 for row in signals.anomalies), default=0.0)
    evidence = FailureEvidence(event_lag_s=lag or None, reservation_age_s=age or None)
    diagnosis = models.root_cause.classify([evidence])[0]
    return {
        "root_cause": str(diagnosis.root_cause),
        "subclass": str(diagnosis.subclass) if diagnosis.subclass else None,
        "probability": diagnosis.probability,
        "abstained": True,  # figures alone never prove a cause
        "reasons": ["no failure was told; the cause is read from figures alone"],
    }


def _pooled(failures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One diagnosis of several: the mean of their log-probabilities, and the subclass of the most certain."""
    pooled: dict[str, float] = {}
    for row in failures:
        for cause, probability in msgspec.json.decode(row["probabilities"]).items():
            pooled[cause] = pooled.get(cause, 0.0) + math.log(max(probability, 1e-6)) / len(failures)
    total = sum(math.exp(value) for value in pooled.values())
    cause = max(pooled, key=lambda name: pooled[name])
    of_cause = [row for row in failures if row["root_cause"] == cause] or list(failures)
    best = max(of_cause, key=lambda row: row["probability"])
    return {
        "root_cause": cause,
        "subclass": best["subclass"],
        "probability": math.exp(pooled[cause]) / total,
        "abstained": all(row["abstained"] for row in of_cause),
        "reasons": msgspec.json.decode(best["reasons"]),
    }


def _price(
    stakes: Sequence[Stake], cause: str, market: Market, fixed: Mapping[str, tuple[float, int]]
) -> list[Exposure]:
    return exposures_of(
        [
            Situation(
                stake.published,
                _believed(stake),
                market.demand.of(stake.sku, stake.channel),
                time_to_fix(cause, fixed),
                market.prices_of(stake.sku, stake.channel),
            )
            for stake in stakes
        ],
        market.rates,
    )


def _believed(stake: Stake) -> Belief:
    """What is truly there: the other figure with the stake's belief, else what is shown."""
    if stake.belief >= 1.0 or stake.available == stake.published:
        return certain(stake.available)
    low, high = sorted((stake.available, stake.published))
    of_low = stake.belief if stake.available == low else 1.0 - stake.belief
    return Belief((low, high), (of_low, 1.0 - of_low))


def _opinion(
    signals: Signals,
    cause: Mapping[str, Any],
    stakes: Sequence[Stake],
    exposures: Sequence[Exposure],
    models: ServiceModels,
    action: tuple[str, str],
    reporting: str,
) -> Opinion:
    known = [exposure.amount for exposure in exposures if exposure.amount is not None]
    exposure = sum(known, Decimal(0)) if known else None
    chance = 1.0 if signals.failures else max((row["fault_probability"] for row in signals.anomalies), default=0.0)
    harms = [e.time_to_harm_h for e in exposures if e.time_to_harm_h is not None]
    rows = (*signals.failures, *signals.anomalies)
    reasons = [*cause["reasons"], *_strange(signals), *sorted({stake.why for stake in stakes})]
    return Opinion(
        title=_title(signals, cause),
        root_cause=cause["root_cause"],
        subclass=cause["subclass"],
        probability=cause["probability"],
        abstained=cause["abstained"],
        fault_probability=chance,
        anomaly_p_value=min((row["p_value"] for row in signals.anomalies), default=None),
        exposure=exposure,
        expected_loss=exposure * Decimal(str(chance)) if exposure is not None else None,
        currency=reporting,
        exposure_terms=_terms(stakes, exposures),
        time_to_harm_h=min(harms, default=None),
        reasons=reasons[:REASONS_MAX],
        skus=signals.skus,
        locations={row["location"] for row in rows if row["location"]},
        channels={row["channel"] for row in rows if row["channel"]},
        recommended_action=action[0],
        autonomy=action[1],
        model_versions={name: models.version(name) for name in models.folders},
    )


def _title(signals: Signals, cause: Mapping[str, Any]) -> str:
    subject = ", ".join(signals.skus[:3]) or next(
        (row["channel"] or row["system"] or "" for row in signals.failures), "stock"
    )
    more = f" and {len(signals.skus) - 3} more" if len(signals.skus) > 3 else ""
    if not signals.failures:
        return f"figures of {subject}{more} are strange"
    return f"{(cause['subclass'] or cause['root_cause']).replace('_', ' ')}: {subject}{more}"


def _strange(signals: Signals) -> list[str]:
    """What is strange about the strangest anomaly."""
    if not signals.anomalies:
        return []
    strangest = max(signals.anomalies, key=lambda row: row["score"])
    return [str(reason) for reason in msgspec.json.decode(strangest["reasons"])]


def _terms(stakes: Sequence[Stake], exposures: Sequence[Exposure]) -> dict[str, Any]:
    """Every term by channel and SKU; where nothing is at stake that can be told, that is said."""
    if not stakes:
        return {"exposure": {"value": None, "unit": "money", "basis": "unknown", "note": "no channel sells this SKU"}}
    priced = sorted(zip(stakes, exposures, strict=True), key=lambda one: one[1].amount or Decimal(0), reverse=True)
    told: dict[str, Any] = {
        f"{stake.channel} {stake.sku}": terms_as_json(exposure.terms) | {"why": stake.why}
        for stake, exposure in priced[:TERMS_MAX]
    }
    others = [exposure for _, exposure in priced[TERMS_MAX:]]
    if others:
        together = sum((one.amount or Decimal(0) for one in others), Decimal(0))
        term = Term(float(together), others[0].currency, Basis.COMPUTED, "the exposure of each is smaller than these")
        told[f"{len(others)} more listings"] = terms_as_json({"exposure": term})
    return told


def _all_facts(signals: Signals) -> list[SignalFacts]:
    """What all signals of a case say, and of a channel that is out that each of its listings is not updated."""
    held = [SignalFacts("failure", one.sku, one.channel, operation=PUSH) for one in signals.held_back]
    return [*held, *(_facts(row) for row in (*signals.failures, *signals.anomalies))]


def _facts(row: Mapping[str, Any]) -> SignalFacts:
    return SignalFacts(
        kind=row["kind"],
        sku=row["sku"] or "",
        channel=row["channel"] or "",
        location=row["location"] or "",
        operation=row.get("operation") or "",
        error_code=row.get("error_code") or "",
        quantity=row.get("quantity"),
        expected=row.get("expected"),
        actual=row.get("actual"),
        winner=row.get("winner") or "",
        believed=row.get("believed"),
    )


def _signals(connection: Connection, case_ids: Sequence[int]) -> dict[int, Signals]:
    marks = ", ".join(str(int(case_id)) for case_id in case_ids)
    failures: dict[int, list[Mapping[str, Any]]] = {}
    anomalies: dict[int, list[Mapping[str, Any]]] = {}
    for row in connection.execute(text(_FAILURES.replace("{cases}", marks))).mappings():
        failures.setdefault(row["case_id"], []).append(dict(row))
    for row in connection.execute(text(_ANOMALIES.replace("{cases}", marks))).mappings():
        anomalies.setdefault(row["case_id"], []).append(dict(row))
    return {
        case_id: Signals(
            failures.get(case_id, []), anomalies.get(case_id, []), _held_back(connection, failures.get(case_id, []))
        )
        for case_id in failures.keys() | anomalies.keys()
    }


def _held_back(connection: Connection, failures: Sequence[Mapping[str, Any]]) -> list[Listing]:
    """The listings that wait on the channels of which one of ``failures`` says that they as a whole take nothing."""
    out = {row["channel"] for row in failures if row["channel"] and not row["sku"] and row["operation"] == PUSH}
    return [listing for channel in sorted(out) for listing in backlog(connection, channel, HELD_BACK_MAX)]


def _closed(connection: Connection) -> list[tuple[str, float]]:
    """Root cause and hours from opening to resolution of every resolved case."""
    rows = connection.execute(
        text("SELECT root_cause, resolved_at - opened_at FROM exception_case WHERE resolved_at IS NOT NULL")
    )
    return [(cause, max(0.0, microseconds / 3.6e9)) for cause, microseconds in rows]


_FAILURES = """
SELECT s.case_id, 'failure' AS kind, f.system, f.channel, f.sku, f.location, f.operation, f.error_code, f.quantity,
       d.root_cause, d.subclass, d.probability, d.abstained, d.probabilities, d.reasons
FROM case_signal s JOIN failure f ON f.failure_id = s.signal_id JOIN diagnosis d ON d.failure_id = f.failure_id
WHERE s.kind = 'failure' AND f.resolved_at IS NULL AND s.case_id IN ({cases}) ORDER BY f.failure_id
"""

_ANOMALIES = """
SELECT s.case_id, a.kind, a.system, a.channel, a.sku, a.location, a.expected, a.actual, a.score, a.p_value,
       a.fault_probability, a.reasons, d.event_lag_s, d.winner,
       CASE WHEN d.winner = 'ledger' THEN a.expected ELSE d.winning_quantity END AS believed,
       (SELECT (a.occurred_at - MIN(i.placed_at)) / 1000000.0 FROM open_item i JOIN position p
          ON p.position_id = i.position_id
        WHERE p.sku = a.sku AND i.kind = 'reservation' AND i.open_quantity > 0) AS reservation_age_s
FROM case_signal s JOIN anomaly a ON a.anomaly_id = s.signal_id
LEFT JOIN delta d ON a.kind = 'delta' AND d.delta_id = a.fact_id
WHERE s.kind = 'anomaly' AND a.settled_at IS NULL AND s.case_id IN ({cases}) ORDER BY a.anomaly_id
"""
