"""The pure part of reconciliation: what is under way, who is believed, and how much may differ."""

from collections.abc import Callable, Mapping, Sequence
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
class RecentMovement:
    """A movement that the other system may not have posted yet: when, and what it did to the figure compared."""

    occurred_at: int
    change: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rule makes of a difference: the figure it believes, and whether it lets the difference pass."""

    winner: str
    winning_quantity: int | None
    within_tolerance: bool


def in_flight(
    difference: int, newest_first: Sequence[RecentMovement], figure_without: Callable[[int], int] | None = None
) -> InFlight:
    """The cut of recent movements that brings ``difference`` nearest to zero; the shortest on a tie.

    A system that has posted all but the newest k movements reports our figure less what these did,
    so a difference that some k explains is no disagreement.

    Args:
        difference: reported less expected, in whole units.
        newest_first: what the system may not have posted yet.
        figure_without: our figure had the stock been this much less; where figure and stock are one
            (no share, no buffer) it is left out.
    """
    expected = figure_without(0) if figure_without else 0
    best, behind = InFlight(0, 0), 0
    for count, movement in enumerate(newest_first, start=1):
        behind += movement.change
        explained = figure_without(behind) - expected if figure_without else -behind
        if abs(difference - explained) < abs(difference - best.quantity):
            best = InFlight(explained, count)
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
