"""What people said of a figure holds of its later rows while the difference stays, and no longer."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ml.anomaly.verdicts import BEYOND, LEAST_CHANCE, Verdicts, heeded, said_of
from ml.features.definitions import DELTA_SET

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def rows(*residuals: float | None, first: int = 1, system: str = "shop") -> pl.DataFrame:
    """A figure's differences at one snapshot after another, every six hours; None where it agreed."""
    told = [
        {
            "system": system, "sku": "MUG", "location": "", "state": "available", "snapshot": float(number),
            "as_of": MONDAY + timedelta(hours=6 * number), "expected": 50.0, "reported": 50.0 + off, "in_flight": 0.0,
        }
        for number, off in enumerate(residuals, first) if off is not None
    ]  # fmt: skip
    return pl.DataFrame(told)


def described(facts: pl.DataFrame) -> np.ndarray:
    """Rows whose usual difference is none and whose spread is a unit."""
    matrix = np.zeros((facts.height, len(DELTA_SET.features)), dtype=np.float32)
    matrix[:, DELTA_SET.columns((BEYOND,))[0]] = np.arcsinh((facts["reported"] - facts["expected"]).to_numpy())
    return matrix


def told(judged: float, faulty: bool, *later: float | None) -> list[int]:
    """What holds of ``later`` rows of a figure that was off by ``judged`` when somebody said what that was."""
    verdicts, first = Verdicts(), rows(judged)
    verdicts.hear(said_of(first, described(first), np.array([faulty])))
    facts = rows(*later, first=2)
    return [int(one) for one in verdicts.tell(facts, described(facts))]


@pytest.mark.parametrize(
    ("later", "holds"),
    [
        ((40, 41, 39), [-1, -1, -1]),
        ((44, 40), [0, 0]),  # it moved: what comes after is news
        ((None, 40), [0]),  # it agreed in between
        ((40,) * 30, [-1] * 28 + [0, 0]),  # a week later somebody looks again
    ],
)
def test_a_false_alarm_is_none_again_while_nothing_changes(later: tuple[float | None, ...], holds: list[int]) -> None:
    assert told(40, False, *later) == holds


@pytest.mark.parametrize(
    ("later", "holds"),
    [
        ((40, 12, 200), [1, 1, 1]),
        ((3, 40), [0, 0]),  # hardly anything was left
        ((-40, 40), [0, 0]),
        ((None, 40), [0]),
    ],
)
def test_a_confirmed_fault_goes_on_until_its_difference_is_gone(
    later: tuple[float | None, ...], holds: list[int]
) -> None:
    assert told(40, True, *later) == holds


def test_it_says_nothing_of_other_figures_or_of_earlier_rows() -> None:
    verdicts, judged = Verdicts(), rows(40, first=5)
    verdicts.hear(said_of(judged, described(judged), np.array([True])))
    for facts in (rows(40, 40), rows(40, first=6, system="web")):
        assert verdicts.tell(facts, described(facts)).tolist() == [0] * facts.height
    again = rows(40, 40, 40, first=4)
    assert verdicts.tell(again, described(again)).tolist() == [0, 0, 1]


def test_alarms_follow_it_where_a_fault_is_not_out_of_the_question() -> None:
    alarm = np.array([True, True, False, False, False])
    holds = np.array([-1, 0, 1, 1, 0], dtype=np.int8)
    chance = np.array([0.9, 0.9, LEAST_CHANCE, LEAST_CHANCE / 2, 0.5])
    assert heeded(alarm, chance, holds).tolist() == [False, True, True, False, False]
