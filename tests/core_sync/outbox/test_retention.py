"""What was tried long ago is let go of; what an open failure or a dead letter rests on is kept."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.channels.port import Rejected
from core_sync.outbox.retention import LetGo, let_go
from core_sync.outbox.shadow import compare_channel
from tests.core_sync.outbox.conftest import Shop
from tests.core_sync.outbox.scripted import NO_ANSWER

KEEP = timedelta(days=30)


def tried(shop: Shop) -> list[str]:
    with shop.database.reading() as connection:
        rows = connection.execute(text(
            "SELECT i.sku FROM push_attempt a JOIN push_intent i ON i.intent_id = a.intent_id ORDER BY a.attempt_id"
        ))  # fmt: skip
        return list(rows.scalars())


@pytest.fixture
def old(shop: Shop) -> Shop:
    """A month and a day ago S was pushed, T refused for good, and U got no answer."""
    shop.stock(S=12, T=9, U=8)  # the largest increase goes first
    shop.channel.script.extend([shop.channel.applies, Rejected("no such price", "REFUSED", 422), NO_ANSWER])
    shop.push()
    shop.look()
    shop.clock.pass_(days=31)
    return shop


def test_only_tries_that_nothing_open_rests_on_go(old: Shop) -> None:
    assert sorted(tried(old)) == ["S", "T", "U"]
    assert let_go(old.database, old.now(), KEEP) == LetGo(1, 0)
    assert sorted(tried(old)) == ["T", "U"]


def test_what_is_younger_stays(old: Shop) -> None:
    assert let_go(old.database, old.now(), timedelta(days=60)) == LetGo(0, 0)


def test_updates_noted_in_shadow_go_by_age_alone(shop: Shop) -> None:
    with shop.database.transaction() as connection:
        connection.execute(text("UPDATE channel SET mode = 'shadow'"))
    shop.stock(S=8)
    compare_channel(shop.database, shop.connectors, "shop", shop.now())
    shop.clock.pass_(days=31)
    shop.stock(S=9)
    compare_channel(shop.database, shop.connectors, "shop", shop.now())
    assert let_go(shop.database, shop.now(), KEEP) == LetGo(0, 1)
