"""After demand doubles, the service itself brings oversells back to the accepted rate, and keeps them there."""

import pytest

from benchmarks.buffers_after_shift import (
    SHIFT,
    TARGET,
    WITHIN,
    courses,
    crossings,
    rates,
    settled_after,
    size_of,
    swings,
)
from benchmarks.buffers_in_force import LEARN_DAYS
from tests.proof import IS_FULL, counted, keep_result

SEEDS = counted((0, 1), (0,))
ITEMS, WEEKS = counted((24, 20), (3, SHIFT + 1))
SETTLED_WITHIN_WEEKS = 10


@pytest.mark.proof
@pytest.mark.timeout(0)
def test_oversells_come_back_to_the_accepted_rate_after_demand_doubles_without_swinging() -> None:
    sold = courses(size_of(ITEMS, WEEKS), SEEDS, workers=2)
    shift = LEARN_DAYS + 7 * SHIFT
    weeks_around = (slice(shift - 7, shift), slice(shift, shift + 7))
    before, after = (sum(int(one.asked[part].sum()) for one in sold) for part in weeks_around)
    assert 1.4 * before < after < 2.8 * before
    rate = rates(sold)
    weeks = settled_after(rate)
    if IS_FULL:
        assert weeks is not None
        assert weeks <= SETTLED_WITHIN_WEEKS
        assert swings(rate) <= 1
    keep_result(
        "buffers_after_shift",
        "tests/journey/test_buffers_after_shift.py",
        {
            "seeds": len(SEEDS), "SKUs": ITEMS, "accepted": TARGET, "within": WITHIN,
            "demand doubles after week": SHIFT, "weeks until within for good": weeks,
            "rate over four weeks, by week": [round(float(one), 5) for one in rate],
            "the same of units asked": [round(float(one), 5) for one in rates(sold, "asked")],
            "times it swings from a quarter above to a quarter below, or back": swings(rate),
            "times it crosses the accepted rate": crossings(rate),
        },
    )  # fmt: skip
