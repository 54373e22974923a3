"""Look whether channels show what they accepted; what is accepted and not shown in time is a failure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.channels.port import ReadFailed
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failures, resolve_subjects
from core_sync.outbox.dispatch import Connectors
from core_sync.outbox.intend import Listing

OPERATION = "read_back"
ACCEPTED_NOT_APPLIED = "ACCEPTED_NOT_APPLIED"

_ACCEPTED = """
SELECT i.intent_id, i.channel, i.sku, i.quantity, i.accepted_at, i.intended_at
FROM push_intent i WHERE i.state = 'accepted' ORDER BY i.accepted_at, i.intent_id
"""


@dataclass(frozen=True, slots=True)
class _Waiting:
    intent_id: int
    listing: Listing
    quantity: int
    accepted_at: int
    intended_at: int


@dataclass
class ReadBack:
    """What one look found, by listing."""

    visible: list[Listing] = field(default_factory=list)
    waiting: list[Listing] = field(default_factory=list)
    overdue: list[Listing] = field(default_factory=list)


def confirm_visible(database: Database, connectors: Connectors, at: datetime) -> ReadBack:
    """Read back every listing that is accepted and not yet visible."""
    with database.reading() as connection:
        waiting = [_waiting(row) for row in connection.execute(text(_ACCEPTED))]
    found = ReadBack()
    by_channel: dict[str, list[_Waiting]] = defaultdict(list)
    for one in waiting:
        by_channel[one.listing.channel].append(one)
    for name, accepted in by_channel.items():
        channel = connectors.get(name)
        if channel is None:
            continue
        try:
            shown = channel.read([one.listing.sku for one in accepted])
        except ReadFailed:
            found.waiting += [one.listing for one in accepted]
            continue
        agreeing = [one for one in accepted if shown.get(one.listing.sku) == one.quantity]
        others = [one for one in accepted if shown.get(one.listing.sku) != one.quantity]
        overdue = [one for one in others if _seconds_since(one, at) >= channel.limits.visible_within_s]
        with database.transaction() as connection:
            _mark_visible(connection, agreeing, at)
            record_failures(connection, [_failure(one, shown.get(one.listing.sku), at) for one in overdue])
        found.visible += [one.listing for one in agreeing]
        found.overdue += [one.listing for one in overdue]
        found.waiting += [one.listing for one in others if one not in overdue]
    return found


def shown_now(connectors: Connectors, listings: Collection[Listing]) -> dict[Listing, int]:
    """What the channels of ``listings`` show now; a listing whose channel gives no answer is left out."""
    shown: dict[Listing, int] = {}
    for name in {listing.channel for listing in listings}:
        channel = connectors.get(name)
        if channel is None:
            continue
        try:
            told = channel.read([listing.sku for listing in listings if listing.channel == name])
        except ReadFailed:
            continue
        shown |= {Listing(name, sku): quantity for sku, quantity in told.items()}
    return shown


def note_shown(connection: Connection, shown: Mapping[Listing, int], at: datetime) -> None:
    """Remember what channels were seen to show, whatever state the listings are in."""
    if shown:
        connection.execute(
            text(
                "UPDATE push_intent SET shown_quantity = :quantity, visible_at = :at "
                "WHERE channel = :channel AND sku = :sku"
            ),
            [
                {"channel": listing.channel, "sku": listing.sku, "quantity": quantity, "at": to_microseconds(at)}
                for listing, quantity in shown.items()
            ],
        )


def _waiting(row: tuple[int, str, str, int, int, int]) -> _Waiting:
    intent_id, channel, sku, quantity, accepted_at, intended_at = row
    return _Waiting(intent_id, Listing(channel, sku), quantity, accepted_at, intended_at)


def _seconds_since(one: _Waiting, at: datetime) -> float:
    return (at - from_microseconds(one.accepted_at)).total_seconds()


def _mark_visible(connection: Connection, agreeing: Iterable[_Waiting], at: datetime) -> None:
    seen = [
        {
            "intent_id": one.intent_id,
            "quantity": one.quantity,
            "intended_at": one.intended_at,
            "at": to_microseconds(at),
        }
        for one in agreeing
    ]
    if not seen:
        return
    # Where the value changed meanwhile the listing is pending again; what it shows is worth knowing all the same.
    connection.execute(
        text("UPDATE push_intent SET shown_quantity = :quantity, visible_at = :at WHERE intent_id = :intent_id"), seen
    )
    connection.execute(
        text(
            "UPDATE push_intent SET state = 'visible' "
            "WHERE intent_id = :intent_id AND state = 'accepted' AND intended_at = :intended_at"
        ),
        seen,
    )
    subjects = [one.listing.subject for one in agreeing]
    resolve_subjects(connection, subjects, at, "the channel shows the promised quantity")


def _failure(one: _Waiting, shown: int | None, at: datetime) -> NewFailure:
    return NewFailure(
        kind="push",
        subject=one.listing.subject,
        message=f"{one.listing.channel} accepted {one.quantity} of {one.listing.sku} and still shows {shown}",
        occurred_at=at,
        recorded_at=at,
        system=one.listing.channel,
        channel=one.listing.channel,
        operation=OPERATION,
        sku=one.listing.sku,
        error_code=ACCEPTED_NOT_APPLIED,
        event_lag_s=_seconds_since(one, at),
        quantity=one.quantity,
        evidence={"shown_quantity": shown},
    )
