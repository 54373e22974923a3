"""A budget lets through what the channel allows, waits for no longer than it may, and believes the channel."""

import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_sync.channels.budget import Budget, Pace


@dataclass
class Standing:
    """A clock that moves only when somebody waits."""

    at: float = 100.0
    waits: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds

    @property
    def pace(self) -> Pace:
        return Pace(lambda: self.at, self.wait)


@given(
    rate=st.floats(0.1, 50),
    burst=st.integers(1, 20),
    steps=st.lists(st.tuples(st.floats(0, 3), st.floats(0, 2)), max_size=60),
)
def test_no_stretch_of_time_takes_more_than_its_rate_and_one_burst(
    rate: float, burst: int, steps: list[tuple[float, float]]
) -> None:
    clock = Standing()
    budget = Budget(rate, burst, clock.pace)
    taken: list[float] = []
    for pause, patience in steps:
        clock.at += pause
        if budget.take(1.0, clock.at + patience) == 0.0:
            taken.append(clock.at)
    for start in range(len(taken)):
        for end in range(start, len(taken)):
            assert end - start + 1 <= burst + rate * (taken[end] - taken[start]) + 1e-3


@given(rate=st.floats(0.1, 50), tokens=st.floats(0.1, 5))
def test_the_wait_that_is_told_is_just_enough(rate: float, tokens: float) -> None:
    clock = Standing()
    budget = Budget(rate, 5, clock.pace)
    while (wait := budget.take(tokens)) == 0.0:
        pass
    clock.at += wait
    assert budget.take(tokens) == 0.0
    assert clock.waits == []


def test_a_call_waits_for_its_tokens_up_to_its_patience_only() -> None:
    clock = Standing()
    budget = Budget(2, 1, clock.pace)
    assert [budget.take(1, clock.at + 1) for _ in range(2)] == [0.0, 0.0]
    assert clock.waits == [pytest.approx(0.5, abs=1e-3)]
    assert budget.take(1, clock.at + 0.1) == pytest.approx(0.5, abs=1e-3)


def test_what_the_channel_says_of_its_bucket_is_believed() -> None:
    clock = Standing()
    budget = Budget(100, 1000, clock.pace)
    budget.learn(rate=50, burst=40, left=10)
    assert (budget.rate, budget.burst) == (50, 40)
    assert budget.take(10) == 0.0
    assert budget.take(10) == pytest.approx(0.2, abs=1e-3)
    budget.learn(rate=0, burst=-3)
    assert (budget.rate, budget.burst) == (50, 40)


def test_a_channel_that_said_no_is_left_alone_for_as_long_as_it_said() -> None:
    clock = Standing()
    budget = Budget(1000, 1000, clock.pace)
    budget.close_for(30)
    assert budget.take() == pytest.approx(30, abs=1e-3)
    clock.at += 30.1
    assert budget.take() == 0.0


def test_what_costs_more_than_the_bucket_holds_is_let_through_when_it_is_full() -> None:
    clock = Standing()
    budget = Budget(1, 10, clock.pace)
    assert budget.take(25) == 0.0
    assert budget.take(1) > 15


def test_threads_share_one_budget() -> None:
    clock = Standing()
    budget = Budget(0.001, 50, clock.pace)
    got: list[float] = []
    threads = [threading.Thread(target=lambda: got.extend(budget.take() for _ in range(20))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got.count(0.0) == 50
