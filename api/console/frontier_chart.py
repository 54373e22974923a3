"""Where the lines of oversells against withheld sales lie on the page of buffers, in the units of its picture."""

from dataclasses import dataclass

import numpy as np

from api.jobs.kept_replay import Course, Played, Replay

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 72, 24, 16, 40
COLOURS = ("#1b6ca8", "#7f8c8d", "#c0392b", "#d68910", "#8e44ad")
PLACES = 80
TICKS = 4
WIDEST = 4.0
"""Times the accepted rate that the axis of oversells shows, where that many happen and some way reaches the rate."""


@dataclass(frozen=True, slots=True)
class Line:
    """One way to hold back: ``points`` as SVG has them; ``at_target`` is the share withheld at the accepted rate."""

    way: str
    colour: str
    points: str
    at_target: float | None


@dataclass(frozen=True, slots=True)
class Tick:
    """A figure beside an axis, and where."""

    place: float
    share: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Withheld upwards against oversold to the right, both of what was asked; ``target`` is a place to the right."""

    lines: list[Line]
    across: list[Tick]
    upwards: list[Tick]
    target: float
    point: tuple[float, float] | None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def chart_of(replay: Replay, target: float, rule: Played | None) -> Chart | None:
    """The chart of a ``replay`` with the accepted rate and what one ``rule`` would have done.

    None where nothing was asked.
    """
    if not replay.courses or not replay.asked:
        return None
    open_hand = max(max(one.oversold, default=0.0) for one in replay.courses)
    reached = [_at(one, target) for one in replay.courses]
    widest = open_hand if set(reached) == {None} else max(min(open_hand, WIDEST * target), target)
    withheld = max([one for one in reached if one is not None], default=0.0)
    highest = 2 * (withheld or _most_cautious(replay)) or 0.01
    across, upwards = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(oversold: float, withheld: float) -> tuple[float, float]:
        right, up = min(oversold / widest, 1.0), min(withheld / highest, 1.0)
        return round(LEFT + right * across, 1), round(HEIGHT - BOTTOM - up * upwards, 1)

    lines = [
        Line(one.way, colour, " ".join("{},{}".format(*place(*corner)) for corner in _corners(one, widest)), at_target)
        for one, colour, at_target in zip(replay.courses, COLOURS, reached, strict=False)
    ]
    parts = [number / TICKS for number in range(TICKS + 1)]
    return Chart(
        lines=lines,
        across=[Tick(place(part * widest, 0.0)[0], part * widest) for part in parts],
        upwards=[Tick(place(0.0, part * highest)[1], part * highest) for part in parts],
        target=place(target, 0.0)[0],
        point=None if rule is None else place(rule.oversold / replay.asked, rule.withheld / replay.asked),
    )


def _at(course: Course, rate: float) -> float | None:
    """What is withheld where ``rate`` is oversold; None where even the most cautious setting oversells more."""
    if not course.oversold or rate < course.oversold[0]:
        return None
    return float(np.interp(rate, course.oversold, course.withheld))


def _most_cautious(replay: Replay) -> float:
    """The least that any way withholds where it oversells least: the scale where none withholds at the target."""
    return min((one.withheld[0] for one in replay.courses if one.withheld), default=0.0)


def _corners(course: Course, widest: float) -> list[tuple[float, float]]:
    if not course.oversold or course.oversold[0] >= widest:
        return []
    rates = np.linspace(course.oversold[0], widest, PLACES)
    return [(float(rate), float(np.interp(rate, course.oversold, course.withheld))) for rate in rates]
