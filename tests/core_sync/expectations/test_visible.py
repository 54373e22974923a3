"""How long a channel may take to show what it accepted: as people say, else as it usually does, else as it declares."""

import math
from collections import deque
from datetime import timedelta

from core_sync.channels.port import Accepted
from core_sync.database.engine import Database
from core_sync.expectations.limits import set_limit
from core_sync.expectations.visible import SOONEST_S, visible_within_s
from core_sync.kpis.daily import ACCEPTED_TO_VISIBLE, measure
from core_sync.outbox.dispatch import push_due
from core_sync.outbox.read_back import confirm_visible
from tests.core_sync.outbox.scripted import Connected, ScriptedChannel
from tests.core_sync.stocked import MORNING, a_channel, a_location, a_sku, happens


def within(database: Database, declared_s: float = 300.0) -> float:
    with database.reading() as connection:
        return visible_within_s(connection, "shop", declared_s, MORNING)


def usually_takes(database: Database, seconds: float, times: int) -> None:
    with database.transaction() as connection:
        measure(connection, ACCEPTED_TO_VISIBLE, [seconds] * times, MORNING, "shop")


def say(database: Database, seconds: float | None) -> None:
    with database.transaction() as connection:
        set_limit(connection, "sent_to_visible", seconds, "ann", "so agreed", MORNING, source="shop")


def test_until_it_was_seen_often_enough_a_channel_is_given_what_it_declares(database: Database) -> None:
    usually_takes(database, 20, 5)
    assert within(database) == 300


def test_what_it_usually_takes_decides_once_it_is_known_and_a_moment_is_always_given(database: Database) -> None:
    usually_takes(database, 20, 2_000)
    assert 30 < within(database) < 40
    usually_takes(database, 0.1, 100_000)
    assert within(database) >= SOONEST_S


def test_what_people_say_decides_above_all(database: Database) -> None:
    usually_takes(database, 20, 2_000)
    say(database, 120)
    assert within(database) == 120
    say(database, None)
    assert within(database) == math.inf


def test_a_figure_that_does_not_show_within_the_learned_time_is_a_failure(database: Database) -> None:
    a_sku(database, "S")
    a_location(database, "WH")
    a_channel(database, "shop")
    happens(database, "receipt", "S", 10)
    usually_takes(database, 6, 2_000)
    shop = ScriptedChannel(script=deque([Accepted()]))
    connected = Connected({"shop": shop})
    push_due(database, connected, MORNING)
    assert not confirm_visible(database, connected, MORNING + timedelta(seconds=8)).overdue
    say(database, None)
    assert not confirm_visible(database, connected, MORNING + timedelta(hours=1)).overdue
    say(database, 9)
    (overdue,) = confirm_visible(database, connected, MORNING + timedelta(hours=3)).overdue
    assert overdue.sku == "S"
