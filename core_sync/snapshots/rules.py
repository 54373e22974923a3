"""The pure part of reconciliation: what is under way, who is believed, and how much may differ."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core_sync.interchange.profile_rules import ReconciliationRule

LEDGER = "ledger"
"""How a reconciliation rule calls our own figure."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """``quantity`` of a difference that ``entries`` newest movements, not yet posted there, explain."""

    quantity: int
    entries: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule makes of a difference: the figure it believes, and whether it lets the difference pass."""

    winner: str
    winning_quantity: int | None
    within_tolerance: bool


def in_flight(reported: int, expected: int, earlier: Iterable[int]) -> InFlight:
    """The cut of recent movements that brings what is left of a difference nearest to zero; the shortest on a tie.

    A system that has posted all but the newest k movements reports what we would have expected before them,
    so a difference that some k explains is no disagreement.

    Args:
        reported: the system's figure, in whole units.
        expected: ours.
        earlier: ours had the newest 1, 2, … movements not happened yet.
    """
    best = InFlight(0, 0)
    for count, figure in enumerate(earlier, start=1):
        if abs(reported - figure) < abs(reported - expected - best.quantity):
            best = InFlight(figure - expected, count)
    return best


def judge(
    rule: ReconciliationRule, system: str, reported: int, expected: int, in_flight: int, others: Mapping[str, int]
) -> Judgement:
    """Apply ``rule`` to a difference of ``system``.

    Args:
        rule: whose figure wins, and how many units may differ without anybody minding.
        system: who reported.
        reported: its figure. ``expected``: ours. ``in_flight``: the part of the difference that is under way.
        others: the figures of other systems, by name, as of the same moment.
    """
    figures = {**others, system: reported, LEDGER: expected}
    passes = rule.tolerance > 0 and abs(reported - expected - in_flight) <= rule.tolerance
    return Judgement(rule.winner, figures.get(rule.winner), passes)
