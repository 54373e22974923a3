"""How rare it is that a movement is under way for so long, learnt from the book's own past."""

import numpy as np

from ml.features.lateness import LagRarity


def test_half_an_hour_is_rare_in_a_book_that_posts_every_ten_minutes_and_not_in_one_that_posts_at_night() -> None:
    rarity, book = LagRarity(), np.repeat(np.array([0, 1]), 50)
    rarity.advance(book, np.where(book == 0, 500.0, 30_000.0))
    quick, slow = rarity.advance(np.array([0, 1]), np.array([1_800.0, 1_800.0]))
    assert slow < 0.1 < 3 < quick


def test_a_figure_with_nothing_under_way_is_not_late_and_teaches_nothing() -> None:
    rarity = LagRarity()
    assert rarity.advance(np.zeros(3, dtype=np.int64), np.full(3, np.nan)).tolist() == [0.0, 0.0, 0.0]
    assert rarity.advance(np.zeros(1, dtype=np.int64), np.array([600.0])).tolist() == [np.log(2)]


def test_batches_teach_what_one_pass_teaches() -> None:
    book, lag = np.arange(40) % 3, np.random.default_rng(0).exponential(4_000, 40)
    parts = LagRarity()
    pieces = [parts.advance(book[at : at + 7], lag[at : at + 7]) for at in range(0, 40, 7)]
    np.testing.assert_array_equal(np.concatenate(pieces), LagRarity().advance(book, lag))
