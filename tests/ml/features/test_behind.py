"""A book that is hours behind is known by all its figures together, not by one."""

import numpy as np
from numpy.typing import NDArray

from ml.features.behind import HOURS, Behind, BehindBooks

Floats = NDArray[np.float64]


def told(behind: BehindBooks, own: Floats, moved: Floats, time_us: int = 0, place: int = 0, book: int = 0) -> Behind:
    n = len(own)
    return behind.advance(np.full(n, book), np.full(n, place), np.full(n, time_us), own, moved)


def moved_by(hours: int, units: Floats) -> Floats:
    """Everything moved between ``hours`` and the next shorter look back."""
    return np.where(np.array(HOURS)[None, :] >= hours, units[:, None], 0.0)


def test_figures_that_lack_what_moved_in_the_last_hours_make_their_book_so_far_behind() -> None:
    sold = -np.array([3.0, 1.0, 7.0, 2.0])
    found = told(BehindBooks(), own=-sold, moved=moved_by(3, sold))
    assert found.hours.tolist() == [3.0] * 4
    assert (-sold + found.moved).tolist() == [0.0] * 4


def test_one_figure_that_is_off_makes_no_book_late_and_is_explained_by_nothing() -> None:
    found = told(BehindBooks(), own=np.array([40.0, 0.0, 0.0]), moved=moved_by(1, np.array([-2.0, -5.0, -4.0])))
    assert found.hours.tolist() == [0.0] * 3
    assert found.moved.tolist() == [0.0] * 3


def test_a_fault_stands_out_of_a_late_book_by_what_being_late_does_not_explain() -> None:
    sold = -np.array([3.0, 1.0, 7.0, 2.0])
    own = -sold + np.array([0.0, 0.0, 25.0, 0.0])
    assert (own + told(BehindBooks(), own, moved_by(2, sold)).moved).tolist() == [0.0, 0.0, 25.0, 0.0]


def test_one_place_may_be_behind_and_another_up_to_date() -> None:
    sold = -np.array([3.0, 6.0, 3.0, 6.0])
    own = np.array([3.0, 6.0, 0.0, 0.0])
    place = np.array([0, 0, 1, 1])
    found = BehindBooks().advance(
        np.zeros(4, dtype=np.int64), place, np.zeros(4, dtype=np.int64), own, moved_by(2, sold)
    )
    assert found.hours.tolist() == [2.0, 2.0, 0.0, 0.0]
    assert found.anywhere.tolist() == [2.0] * 4


def test_how_rare_it_is_to_be_so_far_behind_is_learnt_from_the_books_own_moments() -> None:
    behind, sold = BehindBooks(), -np.array([3.0, 4.0])
    for hour in range(9):
        told(behind, -sold, moved_by(2 if hour % 2 else 6, sold), time_us=hour)
    usual = told(behind, -sold, moved_by(2, sold), time_us=10).surprise[0]
    never = told(behind, -sold, moved_by(12, sold), time_us=11).surprise[0]
    assert usual < 0.2 < 2 < never


def test_without_known_movements_no_book_is_late() -> None:
    found = told(BehindBooks(), np.array([5.0, np.nan]), np.full((2, len(HOURS)), np.nan))
    assert found.hours.tolist() == [0.0, 0.0]
    assert found.moved.tolist() == [0.0, 0.0]
