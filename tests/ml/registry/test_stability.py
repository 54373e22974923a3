"""How far shares have moved is told less what chance alone moves them."""

import numpy as np

from ml.registry.stability import MUCH_MOVED, stability

TENTHS = np.full(10, 0.1)


def test_a_single_new_one_has_moved_nothing() -> None:
    assert stability(TENTHS, np.eye(10)[0], [1]) == 0


def test_the_same_move_of_many_has() -> None:
    assert stability(TENTHS, np.eye(10)[0], [1_000]) > MUCH_MOVED


def test_what_stays_has_not_moved_however_many_there_are() -> None:
    assert stability(TENTHS, TENTHS, [10, 10]) == stability(TENTHS, TENTHS, [10_000]) == 0
