"""Mode shadow: worked out, compared and told by day, never sent."""

from datetime import timedelta

from sqlalchemy import text

from core_sync.outbox.dispatch import Pushed
from core_sync.outbox.shadow import ShadowDay, compare_channel, shadow_days
from tests.core_sync.outbox.conftest import Shop
from tests.core_sync.stocked import MORNING


def becomes(shop: Shop, mode: str, pilot_skus: str = "[]") -> None:
    with shop.database.transaction() as connection:
        connection.execute(
            text("UPDATE channel SET mode = :mode, attributes = :attributes"),
            {"mode": mode, "attributes": f'{{"pilot_skus": {pilot_skus}}}'},
        )


def compare(shop: Shop) -> int:
    return compare_channel(shop.database, shop.connectors, "shop", shop.now())


def days(shop: Shop) -> list[ShadowDay]:
    with shop.database.reading() as connection:
        return shadow_days(connection, MORNING - timedelta(days=1), MORNING + timedelta(days=9))


def test_what_shadow_would_have_sent_is_told_by_day_beside_what_was_shown(shop: Shop) -> None:
    becomes(shop, "shadow")
    shop.channel.shown = {"S": 8, "T": 9, "U": 4}
    shop.stock(S=8, T=12)
    assert compare(shop) == 2
    assert (compare(shop), shop.push()) == (0, Pushed())
    shop.clock.pass_(days=1)
    shop.stock(S=0, U=1, V=5)
    assert compare(shop) == 3
    assert days(shop) == [
        ShadowDay("shop", "2026-03-02", 2, 0, 0, 2, 1, 0, 3, 4.5),
        ShadowDay("shop", "2026-03-03", 3, 1, 2, 2, 2, 11, 0, (8**2 + 3**2) / 2),
    ]
    assert shop.channel.writes == []


def test_a_channel_that_cannot_be_read_is_compared_with_nothing(shop: Shop) -> None:
    becomes(shop, "shadow")
    shop.channel.is_out = True
    shop.stock(S=8)
    assert compare(shop) == 1
    assert days(shop) == [ShadowDay("shop", "2026-03-02", 1, 0, 0, 0, 0, 0, 0, None)]
    assert shop.channel.asked_in_vain == 0


def test_a_pilot_pushes_its_own_skus_and_is_in_shadow_for_the_others(shop: Shop) -> None:
    becomes(shop, "pilot", '["T"]')
    shop.stock(S=8, T=9)
    assert compare(shop) == 1
    shop.push()
    assert shop.channel.writes == [("T", 9)]


def test_what_was_in_shadow_is_pushed_once_the_channel_goes_live(shop: Shop) -> None:
    becomes(shop, "shadow")
    shop.stock(S=8)
    compare(shop)
    becomes(shop, "live")
    shop.settled()
    assert shop.channel.shown == {"S": 8}
