"""Why a case stands where it does, and where something is that is not on the list."""

from decimal import Decimal

from sqlalchemy import insert

from core_sync.cases import verbs
from core_sync.cases.detail import read_case
from core_sync.cases.feed import read_feed_case
from core_sync.cases.grouping import merge, split
from core_sync.cases.signals import open_or_join
from core_sync.cases.whereabouts import RankTerms, Whereabout, rank_terms, whereabouts
from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failure
from core_sync.outbox.tables import PushIntent
from tests.core_sync.cases.worklist import MORNING, a_case, a_push_fails, after, the_push_works_again


def terms(database: Database, case: int) -> RankTerms:
    with database.reading() as connection:
        return rank_terms(connection, read_feed_case(connection, case, MORNING))


def where(database: Database, sku: str, channel: str | None = None) -> list[Whereabout]:
    with database.reading() as connection:
        return whereabouts(connection, MORNING, sku, channel)


def test_the_terms_of_a_rank_are_told_with_who_stands_beside(database: Database) -> None:
    first, second, third = (a_case(database, sku, loss) for sku, loss in (("A", "90"), ("B", "50"), ("C", "10")))
    told = terms(database, second)
    assert (told.expected_loss, told.raised_by, told.ranked_as, told.override) == (Decimal(50), 1.0, Decimal(50), None)
    assert told.above is not None
    assert told.below is not None
    assert [(one.case, one.ranked_as) for one in (told.above, told.below)] == [
        (first, Decimal(90)),
        (third, Decimal(10)),
    ]
    assert terms(database, first).above is None
    assert terms(database, third).below is None


def test_a_trouble_that_comes_back_is_ranked_higher_and_says_so(database: Database) -> None:
    case = a_case(database, "A", "100", recurrences=2)
    told = terms(database, case)
    assert (told.recurrences, told.raised_by, told.ranked_as) == (2, 1.2, Decimal(120))


def test_a_persons_figure_stands_beside_what_is_computed(database: Database) -> None:
    case = a_case(database, "A", "100")
    with database.transaction() as connection:
        verbs.override(connection, case, "ana", MORNING, "key account", rank=9_000_000, until=after(hours=4))
    told = terms(database, case)
    assert (told.ranked_as, told.override, told.expected_loss) == (Decimal(900), Decimal(900), Decimal(100))
    assert told.override_reason == "key account"


def test_each_case_of_a_sku_says_where_it_is_and_why(database: Database) -> None:
    on = a_case(database, "ON", "30")
    asleep, over, gone = (a_case(database, sku, "20") for sku in ("ASLEEP", "OVER", "GONE"))
    with database.transaction() as connection:
        verbs.snooze(connection, asleep, after(hours=4), "ana", MORNING, None, 900_000, 3)
        verbs.resolve(connection, over, "restarted", "ana", MORNING)
        merge(connection, gone, on, "ana", MORNING)
    (one,) = where(database, "ON")
    assert (one.where, one.case, one.why) == ("on the list", on, "number 1 on the list, with 30.00 EUR expected")
    (one,) = where(database, "ASLEEP")
    assert (one.where, one.why) == (
        "snoozed", "until 2026-03-02 12:00 UTC or its exposure is above 90.00 or fewer than 3 units are available",
    )  # fmt: skip
    (one,) = where(database, "OVER")
    assert (one.where, one.case, one.why) == ("resolved", over, "restarted (2026-03-02 08:00 UTC)")
    (one,) = where(database, "GONE")
    assert (one.where, one.case) == ("grouped under", on)
    assert f"put into case {on}" in one.why


def test_a_failure_that_no_triage_has_seen_is_not_on_the_list_yet(database: Database) -> None:
    a_push_fails(database, "LATE")
    (one,) = where(database, "LATE")
    assert (one.where, one.case) == ("not yet", None)
    assert where(database, "NOBODY") == []


def test_a_listing_asks_only_for_what_touches_it(database: Database) -> None:
    case = a_case(database, "MUG")
    assert [one.case for one in where(database, "MUG", "shop")] == [case]
    assert where(database, "MUG", "amazon") == []


def test_the_next_failure_of_what_a_person_split_off_goes_where_they_put_it(database: Database) -> None:

    case = a_case(database, "MUG", fingerprint="outage")
    cup = a_push_fails(database, "CUP")
    with database.transaction() as connection:
        open_or_join(connection, "outage", "failure", cup, MORNING)
        signals = {one.signal_id: one.signal for one in read_case(connection, case, MORNING).signals}
        apart, _ = split(connection, case, [signals[cup]], "ana", MORNING)
    the_push_works_again(database, "CUP")
    again = a_push_fails(database, "CUP", at=after(hours=1))
    other = a_push_fails(database, "JUG", at=after(hours=1))
    assert again != cup
    with database.transaction() as connection:
        assert open_or_join(connection, "outage", "failure", again, after(hours=1)) == apart
        assert open_or_join(connection, "outage", "failure", other, after(hours=1)) == case
        verbs.resolve(connection, apart, "replaced", "ana", after(hours=2))
    the_push_works_again(database, "CUP")
    once_more = a_push_fails(database, "CUP", at=after(hours=3))
    with database.transaction() as connection:
        assert open_or_join(connection, "outage", "failure", once_more, after(hours=3)) == apart
        assert read_feed_case(connection, apart, MORNING).status == "regressed"


def test_a_channel_that_is_out_stands_for_its_listings(database: Database) -> None:
    out = NewFailure(
        kind="push", message="no answer", occurred_at=MORNING, recorded_at=MORNING, subject="channel:shop",
        channel="shop", system="shop", operation="push_inventory",
    )  # fmt: skip
    with database.transaction() as connection:
        case = open_or_join(connection, "outage|shop", "failure", record_failure(connection, out), MORNING)
        connection.execute(insert(PushIntent).values(channel="shop", sku="PLATE", quantity=1, intended_at=0))
    (one,) = where(database, "PLATE")
    assert (one.where, one.case) == ("grouped under", case)
    assert "shop takes nothing at all" in one.why
