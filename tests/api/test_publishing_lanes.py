"""The service publishes by itself: what is told is shown within a second, whatever another channel does."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import text

from api.jobs.rounds import keep_round
from api.wiring import World, build_world
from core_sync.settings import Settings
from tests.core_sync.channels.peers import a_market, a_shop
from tests.core_sync.stocked import a_channel, a_location, a_sku, happens


@contextmanager
def publishing(settings: Settings) -> Iterator[World]:
    """The role publish at work, on the machine's own clock."""
    world = build_world(settings)
    stop = threading.Event()
    a_sku(world.database, "MUG", "PLATE")
    a_location(world.database, "WH")
    role = threading.Thread(target=keep_round, args=(world, "publish", stop))
    role.start()
    try:
        yield world
    finally:
        stop.set()
        role.join(timeout=20)
        world.close()
    assert not role.is_alive()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether ``holds`` comes true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return holds()


def states(world: World) -> set[tuple[str, str]]:
    with world.database.reading() as connection:
        return {
            (channel, state) for channel, state in connection.execute(text("SELECT channel, state FROM push_intent"))
        }


def test_what_is_told_is_pushed_and_seen_without_waiting_for_a_round(settings: Settings) -> None:
    with a_shop(MUG=0) as shop, publishing(settings) as world:
        a_channel(world.database, "shop", endpoint=shop.url)
        happens(world.database, "receipt", "MUG", 12)
        assert within(10, lambda: shop.shown["MUG"] == 12)  # its lane opens at the next roll call
        happens(world.database, "ship", "MUG", 5)
        assert within(4, lambda: shop.shown["MUG"] == 7)
        assert within(4, lambda: states(world) == {("shop", "visible")})


def test_a_channel_that_does_not_answer_holds_up_nobody_else(settings: Settings) -> None:
    with a_shop(MUG=0) as shop, a_market(MUG=0) as market, publishing(settings) as world:
        shop.goes_wrong(*["timeout"] * 20)
        a_channel(world.database, "shop", endpoint=shop.url)
        a_channel(world.database, "market", kind="amazon", endpoint=market.url)
        happens(world.database, "receipt", "MUG", 12)
        assert within(10, lambda: market.shown["MUG"] == 12)
        assert shop.shown["MUG"] == 0


def test_a_channel_in_shadow_is_not_sent_one_write(settings: Settings) -> None:
    with a_shop(MUG=3) as shop, publishing(settings) as world:
        a_channel(world.database, "shop", endpoint=shop.url, mode="shadow")
        happens(world.database, "receipt", "MUG", 12)

        def compared() -> bool:
            with world.database.reading() as connection:
                rows = connection.execute(text("SELECT quantity, shown_quantity FROM shadow_update")).all()
            return [tuple(row) for row in rows] == [(12, 3)]

        assert within(10, compared)
        assert shop.writes == []
