"""A unit that a channel sold and has not told of yet is not put on sale again."""

from datetime import timedelta

from core_sync.channels.budget import Pace
from core_sync.channels.port import STALE, PushRequest, Rejected
from core_sync.outbox.dispatch import Dispatcher, push_channel
from tests.core_sync.outbox.conftest import Shop


def test_a_figure_that_fell_under_a_push_waits_for_the_sale_behind_it(shop: Shop) -> None:
    shop.stock(S=5)
    shop.settled()
    shop.channel.writes.clear()

    def sold_meanwhile(_: PushRequest) -> Rejected:
        return Rejected("it shows 3", STALE, transient=True, shown_quantity=3)

    def told_now(_: float) -> None:
        shop.stock(S=3)

    shop.stock(S=4)
    shop.channel.script.append(sold_meanwhile)
    who = Dispatcher("one", timedelta(seconds=30), Pace(lambda: 0.0, told_now))
    push_channel(shop.database, shop.connectors, "shop", shop.clock.pass_(milliseconds=1), dispatcher=who)
    assert shop.channel.writes == [("S", 4), ("S", 3)]
    assert shop.channel.shown["S"] == 3
