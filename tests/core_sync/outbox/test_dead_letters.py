"""What was given up: listed with its last answer, and replayed by class."""

from core_sync.channels.port import UNKNOWN_LISTING, Rejected
from core_sync.outbox.dead_letters import Selection, dead_letters, replay
from core_sync.outbox.rules import DeadLetter
from core_sync.snapshots.sweep import sweep
from tests.core_sync.outbox.conftest import Shop
from tests.core_sync.stocked import open_failures


def given_up(shop: Shop) -> None:
    """S and T are refused for one reason each, U is not listed."""
    shop.stock(U=3, T=2, S=1)
    shop.channel.script.extend(
        [
            Rejected("not listed", UNKNOWN_LISTING, 404),
            Rejected("no price", "NO_PRICE", 400),
            Rejected("no picture", "NO_PICTURE", 400),
        ]
    )
    assert len(shop.push().failed) == 3


def letters(shop: Shop, which: Selection = Selection()) -> list[tuple[str, str, str | None]]:  # noqa: B008 (immutable)
    with shop.database.reading() as connection:
        return sorted((one.sku, one.dead_letter, one.error_code) for one in dead_letters(connection, which))


def test_dead_letters_tell_why_and_the_last_answer(shop: Shop) -> None:
    given_up(shop)
    assert letters(shop) == [
        ("S", "refused", "NO_PICTURE"),
        ("T", "refused", "NO_PRICE"),
        ("U", "unlisted", UNKNOWN_LISTING),
    ]
    assert letters(shop, Selection(why=DeadLetter.UNLISTED)) == [("U", "unlisted", UNKNOWN_LISTING)]
    assert letters(shop, Selection(channel="elsewhere")) == []


def test_a_class_is_replayed_with_todays_values_and_its_failures_close(shop: Shop) -> None:
    given_up(shop)
    with shop.database.transaction() as connection:
        assert replay(connection, Selection(error_code="NO_PRICE")) == 1
        assert replay(connection, Selection(why=DeadLetter.UNLISTED, sku="U")) == 1
    shop.settled()
    assert shop.channel.shown == {"T": 2, "U": 3}
    assert letters(shop) == [("S", "refused", "NO_PICTURE")]
    assert [failure[0] for failure in open_failures(shop.database)] == ["push:shop:S"]


def test_a_new_value_is_a_new_chance(shop: Shop) -> None:
    given_up(shop)
    shop.stock(S=5)
    shop.settled()
    assert shop.channel.shown == {"S": 5}
    assert len(letters(shop)) == 2


def test_what_a_channel_does_not_list_is_said_once_and_not_asked_again_with_each_value(shop: Shop) -> None:
    given_up(shop)
    shop.channel.writes.clear()
    for units in (5, 0, 7):
        shop.stock(U=units)
        shop.settled()
    assert shop.channel.writes == []
    assert letters(shop, Selection(why=DeadLetter.UNLISTED)) == [("U", "unlisted", UNKNOWN_LISTING)]
    assert [failure[0] for failure in open_failures(shop.database)].count("push:shop:U") == 1


def test_what_a_channel_is_seen_to_list_after_all_is_pushed_with_todays_value(shop: Shop) -> None:
    given_up(shop)
    shop.stock(U=7)
    shop.channel.shown["U"] = 1
    sweep(shop.database, shop.connectors, shop.now(), 10)
    shop.settled()
    assert shop.channel.shown["U"] == 7
    assert "push:shop:U" not in [failure[0] for failure in open_failures(shop.database)]
