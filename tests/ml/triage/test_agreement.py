"""A strange difference is over when the figures agree, or differ as they usually did."""

from hypothesis import given
from hypothesis import strategies as st

from ml.triage.agreement import is_over

units = st.integers(-200, 200)


def test_a_standing_offset_is_back_to_usual() -> None:
    assert is_over(jump_to=40, usual=3, now=3)
    assert is_over(jump_to=40, usual=3, now=9)
    assert not is_over(jump_to=40, usual=3, now=30)


def test_a_jump_that_half_remains_is_not_over() -> None:
    assert not is_over(jump_to=10, usual=0, now=5)


@given(units, units, st.integers(-1, 1))
def test_agreement_to_a_unit_is_always_over(jump_to: int, usual: int, now: int) -> None:
    assert is_over(jump_to, usual, now)


@given(st.integers(5, 200), units.filter(lambda offset: abs(offset) < 100))
def test_a_jump_that_stays_is_never_over(jump: int, offset: int) -> None:
    if abs(offset + jump) > 1:
        assert not is_over(offset + jump, offset, offset + jump)
