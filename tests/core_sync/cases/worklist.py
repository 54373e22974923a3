"""A few words of the trade for tests of cases."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from core_sync.cases.feed import FeedCase, read_feed, read_feed_case
from core_sync.cases.narrow import Filter
from core_sync.cases.signals import open_or_join
from core_sync.cases.weigh import Opinion, write_opinion
from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failure, resolve_subject

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def after(**span: float) -> datetime:
    return MORNING + timedelta(**span)


def a_push_fails(database: Database, sku: str, channel: str = "shop", at: datetime = MORNING) -> int:
    """The failure of one listing, not yet in any case."""
    failure = NewFailure(
        kind="push", message="no answer in time", occurred_at=at, recorded_at=at, subject=f"push:{channel}:{sku}",
        sku=sku, channel=channel, system=channel, operation="push_inventory",
    )  # fmt: skip
    with database.transaction() as connection:
        return record_failure(connection, failure)


def the_push_works_again(database: Database, sku: str, channel: str = "shop", at: datetime = MORNING) -> None:
    with database.transaction() as connection:
        resolve_subject(connection, f"push:{channel}:{sku}", at, "the channel shows it")


def a_case(
    database: Database, sku: str = "MUG", loss: str = "10", at: datetime = MORNING, fingerprint: str = "", **told: Any
) -> int:
    """A case of one failed push, weighed."""
    failure = a_push_fails(database, sku, at=at)
    opinion = Opinion(
        title=f"{sku} cannot be pushed",
        root_cause=told.pop("root_cause", "timeout"),
        exposure=Decimal(loss),
        expected_loss=Decimal(loss),
        currency="EUR",
        skus=[sku],
        channels=["shop"],
        locations=told.pop("locations", ["LEEDS"]),
        model_versions={"root_cause": "1"},
        **told,
    )
    with database.transaction() as connection:
        case_id = open_or_join(connection, fingerprint or f"push:{sku}", "failure", failure, at)
        write_opinion(connection, case_id, opinion, at)
    return case_id


def the_case(database: Database, case_id: int, at: datetime = MORNING) -> FeedCase:
    with database.reading() as connection:
        return read_feed_case(connection, case_id, at)


def the_list(database: Database, shown: Filter | None = None, limit: int = 50, at: datetime = MORNING) -> list[int]:
    """Every case on the list, page by page."""
    found: list[int] = []
    cursor: str | None = None
    while True:
        with database.reading() as connection:
            page = read_feed(connection, at, shown, cursor, limit)
        found += [case.case for case in page.cases]
        cursor = page.next_cursor
        if cursor is None:
            return found
