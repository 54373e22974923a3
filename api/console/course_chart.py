"""Where the lines and the point of a course's chart lie, in the units of its picture."""

from dataclasses import dataclass

from api.courses import Course

WIDTH, HEIGHT, EDGE = 520, 120, 8


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of ``WIDTH`` × ``HEIGHT``: the line's corners, the point, and what was expected there."""

    line: str
    point: tuple[float, float]
    expected: tuple[float, float] | None
    low: int
    high: int
    first_day: str
    last_day: str


def chart_of(course: Course) -> Chart:
    """The chart of ``course``. A movement is marked on the line, a reported figure where it lies."""
    levels = [one.on_hand for one in course.days]
    figure = course.actual if course.kind != "movement" else None
    shown = [*levels, *(one for one in (figure, course.expected) if one is not None)]
    low, high = min(shown), max(shown)
    step = (WIDTH - 2 * EDGE) / max(1, len(levels) - 1)

    def height(units: int) -> float:
        return round(HEIGHT - EDGE - (units - low) / max(1, high - low) * (HEIGHT - 2 * EDGE), 1)

    places = [(round(EDGE + step * number, 1), height(units)) for number, units in enumerate(levels)]
    last = places[-1][0]
    point = (last, height(figure) if figure is not None else places[-1][1])
    expected = (last, height(course.expected)) if figure is not None and course.expected is not None else None
    line = " ".join(f"{x},{y}" for x, y in places)
    return Chart(line, point, expected, low, high, f"{course.days[0].day:%d %b}", f"{course.days[-1].day:%d %b}")
