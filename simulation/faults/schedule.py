"""When faults start and how long they last, drawn before the world runs."""

import numpy as np
from numpy.random import Generator

from simulation.faults.kinds import ROOT_CAUSE, UNFORESEEN, UNTOLD, VISIBLE_IN_FIGURES
from simulation.scenario import FaultRate, Scenario
from simulation.world import Fault

_HOUR_S = 3600
_LAST_HOURS = {"outage": (0.8, 1.6), "rate_limit": (2.0, 4.0), "auth": (3.0, 8.0), "backlog": (3.0, 6.0)}
"""How long before the end the faults that stay begin, where a whole channel or warehouse is hit."""


def draw_schedule(scenario: Scenario, rng: Generator) -> list[Fault]:
    """Faults in order of their planned start: a Poisson stream of each kind, and those that stay open at the end."""
    planned: list[tuple[int, str, int, bool]] = []
    constants, end = scenario.constants, scenario.days * 24 * _HOUR_S
    for kind, rate in constants.faults.items():
        expected = rate.per_day * scenario.days * scenario.skus / 100 * constants.fault_multiplier
        for _ in range(int(rng.poisson(expected))):
            start = int(rng.integers(6 * _HOUR_S, max(6 * _HOUR_S + 1, end - 2 * _HOUR_S)))
            planned.append((start, kind, _cure_after(rate, rng), False))
        for _ in range(constants.open_at_end):
            low, high = _LAST_HOURS.get(kind, (7.0, 34.0))
            start = max(_HOUR_S, end - int(rng.uniform(low, high) * _HOUR_S))
            planned.append((start, kind, 0, True))
    planned.sort()
    return [
        Fault(
            fault_id=f"FAULT-{number:04d}",
            root_cause={**ROOT_CAUSE, **UNTOLD, **UNFORESEEN}[kind],
            subclass=kind,
            planned_s=start,
            cure_after_s=cure_after,
            stays=stays,
            silent=not stays and kind in VISIBLE_IN_FIGURES and bool(rng.random() < constants.silent),
        )
        for number, (start, kind, cure_after, stays) in enumerate(planned, start=1)
    ]


def _cure_after(rate: FaultRate, rng: Generator) -> int:
    """Seconds until people cure it: log-normal around the median, between 20 minutes and five days, or the median."""
    hours = rate.cured_after_h * float(rng.lognormal(0, 0.6))
    return int(np.clip(hours, 1 / 3, max(120.0, rate.cured_after_h)) * _HOUR_S)
