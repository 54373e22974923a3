"""Whoever waits for work is woken by the commit that makes it."""

from time import monotonic

from core_sync.database.engine import Database
from core_sync.outbox.wake import Bell, ring
from tests.core_sync.outbox.conftest import Shop

LONG_S = 20.0


def test_a_commit_by_somebody_else_wakes_who_waits(shop: Shop) -> None:
    bell = Bell(Database(shop.database.url))
    try:
        bell.wait(bell.count, 1.0)  # it rings once when it begins to listen, at most
        rung, began = bell.count, monotonic()
        shop.stock(S=8)
        bell.wait(rung, LONG_S)
        assert monotonic() - began < LONG_S / 2
    finally:
        bell.close()


def test_a_transaction_that_is_undone_wakes_nobody(shop: Shop) -> None:
    bell = Bell(Database(shop.database.url))
    try:
        bell.wait(bell.count, 1.0)
        rung = bell.count
        with shop.database.engine.connect() as connection:
            ring(connection)
            connection.rollback()
        bell.wait(rung, 0.3)
        assert bell.count == rung
    finally:
        bell.close()
