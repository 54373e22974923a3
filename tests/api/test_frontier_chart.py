"""What the plot of oversells against withheld sales shows, also where little of it can be reached."""

from datetime import UTC, datetime

from api.console.frontier_chart import HEIGHT, LEFT, RIGHT, TOP, WIDTH, Chart, chart_of
from api.jobs.kept_replay import Course, Played, Replay

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def drawn(*courses: Course, target: float = 0.005, rule: Played | None = None) -> Chart:
    chart = chart_of(Replay("shop", NOON, NOON, 14, 3, 1_000.0, courses=list(courses)), target, rule)
    assert chart is not None
    return chart


def corners(points: str) -> list[tuple[float, float]]:
    return [(float(right), float(down)) for right, down in (corner.split(",") for corner in points.split())]


def test_the_accepted_rate_lies_within_and_what_is_withheld_there_half_way_up() -> None:
    chart = drawn(Course("ours", [0.0, 0.01, 0.04], [0.30, 0.02, 0.0]), rule=Played(3, 100, 5.0, 200.0, 160.0))
    (line,) = chart.lines
    assert line.at_target == 0.16
    assert LEFT < chart.target < WIDTH - RIGHT
    assert chart.point == (chart.target, (TOP + chart.bottom) / 2)
    assert [tick.share for tick in chart.across] == [0.0, 0.005, 0.01, 0.015, 0.02]


def test_where_no_way_reaches_the_accepted_rate_the_lines_are_shown_whole_all_the_same() -> None:
    chart = drawn(Course("ours", [0.03, 0.08], [0.20, 0.0]), Course("fixed", [0.05, 0.08], [0.25, 0.0]))
    assert [line.at_target for line in chart.lines] == [None, None]
    for line in chart.lines:
        places = corners(line.points)
        assert places[0][1] > TOP, "its beginning is not cut off"
        assert places[-1] == (WIDTH - RIGHT, chart.bottom)


def test_where_nothing_is_withheld_at_the_accepted_rate_what_caution_costs_is_shown() -> None:
    chart = drawn(Course("ours", [0.0, 0.004], [0.10, 0.0]))
    assert chart.lines[0].at_target == 0.0
    assert corners(chart.lines[0].points)[0] == (LEFT, (TOP + chart.bottom) / 2)
    assert chart.bottom < HEIGHT


def test_nothing_is_drawn_where_nothing_was_asked() -> None:
    assert chart_of(Replay("shop", NOON, NOON), 0.005, None) is None
