"""The laws of the ledger, after every step of any history, on both databases."""

from collections import Counter

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.core_sync.ledger.machine import EveryHistory
from tests.core_sync.ledger.worlds import World, in_memory, on_server
from tests.proof import counted, keep_result

STEPS = {"sqlite": counted(90_000, 9_000), "postgresql": counted(10_000, 1_000)}
"""Steps to take in all: most of them where a step is cheap."""

HISTORIES = 50
"""Of one search; each search has a seed of its own."""


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(kind: str, request: pytest.FixtureRequest) -> World:
    if kind == "sqlite":
        return in_memory
    return on_server(request.getfixturevalue("postgresql_url"), request.getfixturevalue("postgresql_template"))


def search(world: World, histories: int, steps: int, seed: int | None = None) -> Counter[str]:
    """Live through ``histories`` of up to ``steps`` steps each; returns the steps taken, by their kind."""
    taken: Counter[str] = Counter()
    machine = type("EveryHistory", (EveryHistory,), {"world": staticmethod(world), "steps": taken})
    if seed is not None:
        machine = hypothesis.seed(seed)(machine)
    # where each step is dear, a history that fails is told as it is: shortening it would take hours
    phases = [Phase.reuse, Phase.generate, *([Phase.shrink] if world is in_memory else [])]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=histories,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=phases,
        ),
    )
    return taken


def test_every_history_is_lawful_and_as_the_oracle_says(world: World) -> None:
    assert search(world, 4, 15).total() > 15


@pytest.mark.proof
@pytest.mark.timeout(0)
def test_very_many_steps_are_lawful_and_as_the_oracle_says(kind: str, world: World) -> None:
    taken: Counter[str] = Counter()
    searches = 0
    while taken.total() < STEPS[kind]:
        taken += search(world, HISTORIES, 40, seed=searches)
        searches += 1
    assert taken.total() >= STEPS[kind]
    keep_result(
        f"ledger_laws_{kind}",
        "tests/core_sync/ledger/test_laws.py",
        {"database": kind, "steps": taken.total(), "histories": searches * HISTORIES, **taken, "laws broken": 0},
    )
