"""What is thought of one case, put into words and terms: title, reasons, exposure and what bears it. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from core_sync.cases.recurrence import RECURS_WITHIN, THERE_AS_ONE, raised_by
from core_sync.cases.weigh import Opinion
from ml.exposure.terms import as_json as terms_as_json
from ml.exposure.value import Exposure
from ml.registry.service_models import ServiceModels
from ml.triage.attribution import Claim
from ml.triage.told import Signals

REASONS_MAX = 6
LISTINGS_SHOWN = 20
"""Listings of a case whose terms are kept one by one, the dearest."""

Priced = tuple[Claim, Exposure]
"""A claim and its part of what the listing costs."""


def opinion_of(
    signals: Signals,
    cause: Mapping[str, Any],
    priced: Sequence[Priced],
    back: int,
    there: tuple[int, str],
    models: ServiceModels,
    action: tuple[str, str],
    reporting: str,
) -> Opinion:
    """One case's opinion; it came ``back`` so often, and others of its cause were over ``there`` (how many, where).

    ``action`` with its autonomy is what is recommended.
    """
    known = [exposure.amount for _, exposure in priced if exposure.amount is not None]
    exposure = sum(known, Decimal(0)) if known else None
    chance = 1.0 if signals.failures else max((row["fault_probability"] for row in signals.anomalies), default=0.0)
    harms = [e.time_to_harm_h for _, e in priced if e.time_to_harm_h is not None]
    reasons = [
        *_recurring(back, there),
        *cause["reasons"],
        *_strange(signals),
        *sorted({c.stake.why for c, _ in priced}),
    ]
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
        exposure_terms=_terms(priced, reporting),
        time_to_harm_h=min(harms, default=None),
        reasons=reasons[:REASONS_MAX],
        skus=signals.skus,
        locations={row["location"] for row in signals.rows if row["location"]},
        channels={row["channel"] for row in signals.rows if row["channel"]},
        recommended_action=action[0],
        autonomy=action[1],
        model_versions={name: models.version(name) for name in _judges(signals) if name in models.folders},
        recurrences=back,
        recurrences_there=there[0],
    )


def _judges(signals: Signals) -> list[str]:
    """The models that a case of such signals is judged by."""
    return ["root_cause", *sorted({f"{row['kind']}_detector" for row in signals.anomalies})]


def _recurring(back: int, there: tuple[int, str]) -> list[str]:
    """That the same trouble was over before, or others like it where it is, and what that does to its rank."""
    before = []
    if back:
        before.append(f"it came back {'once' if back == 1 else f'{back} times'}")
    if there[0] >= THERE_AS_ONE:
        before.append(f"{there[0]} other troubles of its cause were over at {there[1]}")
    higher = f"{raised_by(back, there[0]) - 1:.0%} higher"
    return [f"{' and '.join(before)} within {RECURS_WITHIN.days} days: ranked {higher}"] if before else []


def _title(signals: Signals, cause: Mapping[str, Any]) -> str:
    named = sorted({row["sku"] for row in signals.rows if row["sku"]})
    subject = ", ".join(named[:3]) or next((row["channel"] or row["system"] or "" for row in signals.failures), "stock")
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    if not signals.failures:
        return f"figures of {subject}{more} are strange"
    return f"{(cause['subclass'] or cause['root_cause']).replace('_', ' ')}: {subject}{more}"


def _strange(signals: Signals) -> list[str]:
    """What is strange about the strangest anomaly."""
    if not signals.anomalies:
        return []
    strangest = max(signals.anomalies, key=lambda row: row["score"])
    return [str(reason) for reason in msgspec.json.decode(strangest["reasons"])]


def _terms(priced: Sequence[Priced], reporting: str) -> dict[str, Any]:
    """Every term by channel and SKU, the dearest first; of very many the rest in sum.

    Where nothing is at stake that can be told, that is said.
    """
    if not priced:
        note = "no channel sells this SKU, or another trouble of its listings stands for all of it"
        return {"exposure": {"value": None, "unit": "money", "basis": "unknown", "note": note}}
    ordered = sorted(priced, key=lambda pair: pair[1].amount or Decimal(-1), reverse=True)
    told: dict[str, Any] = {}
    for claim, exposure in ordered[:LISTINGS_SHOWN]:
        name = f"{claim.stake.channel} {claim.stake.sku}"
        name = name if name not in told else f"{name} ({claim.cause})"
        told[name] = terms_as_json(exposure.terms) | {"why": claim.stake.why}
    rest = ordered[LISTINGS_SHOWN:]
    if rest:
        amount = float(sum((exposure.amount or Decimal(0) for _, exposure in rest), Decimal(0)))
        told[f"{len(rest)} more listings"] = {"value": amount, "unit": reporting, "basis": "computed"}
    return told
