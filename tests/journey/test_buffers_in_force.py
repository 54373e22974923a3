"""Applied buffers where the service publishes: oversells at the accepted rate, sales withheld as the backtest says."""

import pytest

from benchmarks.buffers_in_force import LEARN_DAYS, NONE, SETTLED_DAYS, TARGETS, Size, course
from tests.proof import IS_FULL, counted, keep_result

SEEDS = counted((0, 1, 2), (0,))
SIZE = counted(Size(items=32, days=49), Size(items=6, days=4))
WORKERS = 2
WITHIN = 0.25
"""How far the rate of the last four weeks may lie from the accepted one, as a share of it, mean over the seeds."""
BESIDE = 0.25
"""How far what was withheld may lie from the backtest's frontier, mean over the seeds."""


@pytest.mark.proof
@pytest.mark.timeout(0)
def test_buffers_kept_by_the_service_hold_the_accepted_rate_at_the_cost_that_the_backtest_tells() -> None:
    beside, sold = course(SIZE, SEEDS, WORKERS)
    span = LEARN_DAYS, LEARN_DAYS + SIZE.days
    rates = {run: one.rates(*span) for run, one in sold.items()}
    for seed, replay in zip(SEEDS, beside, strict=True):
        # Without a buffer the service meets what the replay meets, but for pushes that were cut off.
        assert rates[seed, NONE][0] == pytest.approx(replay.oversold, rel=0.1, abs=0.01)
    figures = {}
    for rate in TARGETS:
        oversold, withheld = ([rates[seed, rate][part] for seed in SEEDS] for part in (0, 1))
        told = [one.ours.lost_at(came_true) for one, came_true in zip(beside, oversold, strict=True)]
        settled = span[1] - SETTLED_DAYS, span[1]
        ordered = [sold[seed, rate].oversold_of_ordered(*span) for seed in SEEDS]
        last = [sold[seed, rate].oversold_of_ordered(*settled) for seed in SEEDS]
        figures[f"{rate:.2%} accepted"] = {
            "oversold": oversold, "oversold of ordered": ordered,
            "oversold of ordered in the last four weeks": last, "withheld": withheld,
            "withheld by the backtest": told,
        }  # fmt: skip
        if IS_FULL:
            assert sum(last) / len(SEEDS) == pytest.approx(rate, rel=WITHIN)
            assert sum(last) < sum(rates[seed, NONE][0] for seed in SEEDS)
            assert None not in told
            assert sum(withheld) == pytest.approx(sum(one or 0.0 for one in told), rel=BESIDE)
    keep_result(
        "buffers_in_force",
        "tests/journey/test_buffers_in_force.py",
        {
            "seeds": len(SEEDS), "SKUs": SIZE.items, "days": SIZE.days,
            "units asked": [int(sold[seed, NONE].asked.sum()) for seed in SEEDS],
            "without a buffer": {"oversold": [rates[seed, NONE][0] for seed in SEEDS],
                                 "oversold by the backtest": [one.oversold for one in beside]},
            **figures,
        },
    )  # fmt: skip
