"""Of movements keyed in one after another one is asked about, and what is said of it moves the others."""

import numpy as np
from numpy.typing import NDArray

from ml.anomaly.bursts import bursts_of, neighbours_say, strangest_of_bursts

MINUTE_US = 60_000_000


def at(*minutes: float) -> NDArray[np.int64]:
    return np.array([minute * MINUTE_US for minute in minutes], dtype=np.int64)


def test_the_strangest_of_each_burst_are_chosen_and_what_was_looked_at_takes_its_burst() -> None:
    scores, moments = np.array([1.0, 9.0, 8.0, 3.0, np.nan, 2.0]), at(0, 60, 61, 120, 300, 900)
    assert np.flatnonzero(strangest_of_bursts(scores, moments, 2)).tolist() == [1, 3]
    assert np.flatnonzero(strangest_of_bursts(scores, moments, 9)).tolist() == [0, 1, 3, 5]
    assert np.flatnonzero(strangest_of_bursts(scores, moments, 9, taken=at(118))).tolist() == [0, 1, 5]


def test_a_burst_is_counted_from_its_first_moment() -> None:
    assert bursts_of(at()) == 0
    assert bursts_of(at(0, 4, 8, 12, 300)) == 3


def test_a_fault_raises_its_neighbours_the_more_the_nearer_and_a_sound_line_lowers_them() -> None:
    near, far, other_day = at(1), at(30), at(2_000)
    said = at(0)
    raised = [neighbours_say(rows, said, np.array([True]))[0] for rows in (near, far, other_day)]
    assert raised[0] > raised[1] > 0.2 > raised[2] == 0.0
    lowered = neighbours_say(near, said, np.array([False]))[0]
    assert lowered == -raised[0]
    assert neighbours_say(near, at(0, 2), np.array([True, False]))[0] == 0.0
