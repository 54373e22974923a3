"""Cases against what a simulated shop truly shows: none stays open once its cause is gone, none closes before."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.app import create_app
from api.jobs.rounds import ROLES
from api.wiring import build_world
from core_sync.settings import read_settings
from tests.core_sync.channels.peers import a_shop
from tests.core_sync.stocked import Clock, a_channel, a_location, a_sku, happens
from tests.journey.conftest import Service
from tests.proof import counted, keep_result

SKUS = [f"MUG-{number}" for number in range(8)]
CYCLES = counted(300, 30)
FAULTS = ("503", "429", "401", "cut", "cut_applied", "503_applied")
"""What one push may meet; the applied ones change the listing and do not say so."""
BAD_PUSHES = 0.4


@pytest.fixture
def trade(sqlite_url: str, tmp_path: Path) -> Iterator[Service]:
    clock = Clock()
    with a_shop(**dict.fromkeys(SKUS, 0)) as shop:
        world = build_world(read_settings(home=tmp_path, database_url=sqlite_url), clock)
        a_sku(world.database, *SKUS)
        a_location(world.database, "WH")
        a_channel(world.database, "shop", endpoint=shop.url)
        client = TestClient(create_app(world), base_url="http://127.0.0.1:8765", follow_redirects=False)
        yield Service(world, clock, client, shop)
        world.close()


def one_cycle(service: Service, chance: random.Random, on_hand: dict[str, int]) -> bool:
    """Stock moves, the shop is told, some pushes go wrong, and the service triages; whether a fault was in wait."""
    for sku in chance.sample(SKUS, 3):
        more = chance.randint(1, 9)
        on_hand[sku] += more
        happens(service.world.database, "receipt", sku, more, service.clock())
    if chance.random() < BAD_PUSHES:
        service.shop.goes_wrong(chance.choice(FAULTS))
    in_wait = bool(service.shop.state.conduct.writes)
    for role, minutes in (("publish", 15), ("triage", 1)):
        service.clock.pass_(minutes=minutes)
        ROLES[role].round(service.world)
    return in_wait


def open_cases(service: Service) -> set[int]:
    with service.world.database.reading() as connection:
        return set(connection.execute(text("SELECT case_id FROM exception_case WHERE status <> 'resolved'")).scalars())


@pytest.mark.proof
def test_a_case_is_open_as_long_as_its_cause_lasts_and_no_cycle_longer(trade: Service) -> None:
    chance, on_hand = random.Random(7), dict.fromkeys(SKUS, 0)
    was_well, spoilt_cycles, late, early = True, 0, 0, 0
    for _ in range(CYCLES):
        met = one_cycle(trade, chance, on_hand)
        is_right, cases = trade.shop.shown == on_hand, open_cases(trade)
        spoilt_cycles += not is_right
        late += len(cases) if is_right and not met and was_well else 0
        early += not is_right and not cases
        was_well = is_right and not met
    figures = {
        "cycles": CYCLES,
        "cycles after which the shop was wrong": spoilt_cycles,
        "cases open a cycle after their cause was gone": late,
        "cycles with a cause and no open case": early,
    }
    keep_result("self_resolution", "tests/journey/test_self_resolution.py", figures)
    assert spoilt_cycles >= CYCLES / 10, figures
    assert (late, early) == (0, 0), figures
