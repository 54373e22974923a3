"""Structured evidence as failures of each kind bring it along, with its gaps and its noise.

A source of training data beside the simulation: the numbers are judgements, kept wide, and evidence is hidden at
random, so that no single field is ever relied on. ``World`` holds the constants; the test world differs from the
training one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class World:
    """Constants of a world of failures."""

    seen: float = 0.55
    """Chance that a field which bears on the cause was recorded."""
    noise: float = 0.06
    """Chance that a field misleads."""
    usual_lag_s: float = 900.0
    late_lags: float = 9.0
    """How many usual lags a late posting lags behind, median."""
    hold_s: float = 3600.0
    """How long a hold may live."""
    slow_ms: float = 30_000.0


TRAINING = World()
ELSEWHERE = World(seen=0.45, noise=0.08, usual_lag_s=2400.0, late_lags=6.0, hold_s=10_800.0, slow_ms=20_000.0)
"""A world with other constants, for measuring how far what was learnt carries."""

_STATUSES: dict[str, tuple[tuple[int, ...], tuple[float, ...]]] = {
    "timeout": ((504, 408, 500, 524, 423, 200), (0.45, 0.2, 0.15, 0.1, 0.05, 0.05)),
    "rate_limit": ((429, 503, 200), (0.85, 0.1, 0.05)),
    "outage": ((503, 502, 500, 521, 504), (0.42, 0.27, 0.2, 0.06, 0.05)),
    "auth": ((401, 403, 200), (0.5, 0.45, 0.05)),
    "validation": ((400, 422, 200, 409, 404, 500), (0.4, 0.3, 0.15, 0.05, 0.06, 0.04)),
    "code_fault": ((500, 400, 200), (0.8, 0.1, 0.1)),
    "id_conflict": ((409, 422, 400, 200), (0.5, 0.25, 0.15, 0.1)),
    "redelivery": ((409, 200, 422, 400), (0.45, 0.35, 0.1, 0.1)),
    "business_key": ((409, 200, 422), (0.3, 0.5, 0.2)),
}
_OF_MAPPING = ((404, 422, 400, 200, 207), (0.35, 0.25, 0.2, 0.15, 0.05))
_OF_REST = ((200, 422, 400, 409, 202), (0.5, 0.2, 0.15, 0.1, 0.05))
_MAPPING = frozenset({"unmapped_sku", "ambiguous_sku", "uom_mismatch", "pack_size", "location_mapping"})
_HOLDS = frozenset({"expired_hold", "cancelled_order", "leaked"})
_LATE = frozenset({"late_confirmation", "backlog", "period_closed", "accepted_not_applied"})


def evidence_for(leaf: str, rng: np.random.Generator, world: World = TRAINING) -> dict[str, Any]:
    """The structured fields of one failure of kind ``leaf``, by the names of the failures table; gaps left out."""
    fields: dict[str, Any] = {}
    fields |= _answer(leaf, rng, world)
    fields |= _posting(leaf, rng, world)
    fields |= _reservation(leaf, rng, world)
    fields |= _identity(leaf, rng, world)
    hidden = rng.random() * (1 - world.seen)
    return {name: value for name, value in fields.items() if rng.random() > hidden}


def _answer(leaf: str, rng: np.random.Generator, world: World) -> dict[str, Any]:
    """What the peer's answer tells: status, attempts, latency, and how many failed beside it."""
    fields: dict[str, Any] = {}
    slow, busy = leaf == "timeout", leaf in ("timeout", "rate_limit", "outage")
    statuses, shares = _STATUSES.get(leaf, _OF_MAPPING if leaf in _MAPPING else _OF_REST)
    if rng.random() < world.noise:
        statuses, shares = _OF_REST
    no_answer = busy and leaf != "rate_limit" and rng.random() < 0.35
    if rng.random() < world.seen and not no_answer:
        fields["http_status"] = int(rng.choice(statuses, p=shares))
    if rng.random() < world.seen:
        fields["attempts"] = 1 + int(rng.poisson(3.0 if busy else 0.6))
    if rng.random() < world.seen:
        typical = world.slow_ms if slow and rng.random() > world.noise else 400.0
        fields["latency_ms"] = float(rng.lognormal(np.log(typical), 0.5 if slow else 1.1))
    if rng.random() < world.seen:
        fields["neighbours"] = int(rng.poisson(14.0 if leaf in ("outage", "rate_limit") else 1.5))
    return fields


def _posting(leaf: str, rng: np.random.Generator, world: World) -> dict[str, Any]:
    """How far the books lag, and since when an accepted update is not visible."""
    fields: dict[str, Any] = {}
    late = leaf in _LATE and rng.random() > world.noise + (0.5 if leaf == "period_closed" else 0.1)
    late = late or rng.random() < world.noise
    if rng.random() < world.seen:
        times = rng.lognormal(np.log(world.late_lags), 0.7) if late else rng.lognormal(np.log(0.7), 0.6)
        fields["event_lag_s"] = float(times * world.usual_lag_s)
        if rng.random() < 0.7:
            fields["event_lag_normal_s"] = world.usual_lag_s
    if leaf == "accepted_not_applied" and rng.random() < world.seen + 0.2:
        fields["visible_age_s"] = float(rng.lognormal(np.log(5400.0), 0.8))
    return fields


def _reservation(leaf: str, rng: np.random.Generator, world: World) -> dict[str, Any]:
    """Age of the reservation looked at, and the state of its order."""
    fields: dict[str, Any] = {}
    stale = leaf in _HOLDS and rng.random() > world.noise
    if rng.random() < (world.seen + 0.2 if leaf in _HOLDS else 0.25):
        age = rng.lognormal(np.log(40.0 if stale else 0.4), 1.0) * world.hold_s
        fields["reservation_age_s"] = float(age)
        if rng.random() < world.seen:
            ended = {"cancelled_order": 0.97, "leaked": 0.6, "expired_hold": 0.35}.get(leaf, 0.1)
            states = ("cancelled", "shipped", "expired") if rng.random() < ended else ("open", "paid", "waiting")
            fields["order_state"] = states[int(rng.integers(3))]
    return fields


def _identity(leaf: str, rng: np.random.Generator, world: World) -> dict[str, Any]:
    """Whether the same was told before, and how many SKUs answer to the code."""
    fields: dict[str, Any] = {}
    repeated = leaf in ("redelivery", "business_key") and rng.random() < world.seen + 0.3
    repeated = repeated or (leaf == "id_conflict" and rng.random() < world.seen) or rng.random() < world.noise / 3
    if repeated:
        fields["duplicate_of"] = f"evt-{int(rng.integers(1_000_000))}"
        if rng.random() < world.seen:
            fields["business_key_hit"] = (leaf == "business_key") != (rng.random() < world.noise)
    if rng.random() < (world.seen + 0.15 if leaf in _MAPPING else 0.35):
        usual = {"unmapped_sku": 0, "ambiguous_sku": 2 + int(rng.poisson(1.0))}.get(leaf, 1)
        misled = rng.random() < world.noise
        fields["mapping_candidates"] = int(rng.integers(0, 3)) if misled else usual
        if fields["mapping_candidates"] and rng.random() < world.seen:
            fields["best_candidate_score"] = float(rng.beta(3, 2) if leaf in _MAPPING else rng.beta(20, 1))
    return fields
