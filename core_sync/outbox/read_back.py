"""Look whether channels show what they accepted; what is accepted and not shown in time is a failure.

A channel that queues what it accepts is asked first how far it is. What was seen to be shown is looked at again
while an earlier push without an answer may still arrive after it. A listing that cannot be read does not keep the
others from being seen, and is told of once it should have been.
"""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import Connection, text

from core_sync.availability.promises import channel_names
from core_sync.channels.port import Channel, ChannelLimits, Finished, ReadFailed, Reading, Rejected, Working
from core_sync.channels.read_around import read_around
from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.expectations.visible import SOONEST_S, visible_within_s
from core_sync.kpis.daily import PUSHES_FAILED, Awaited, count, note_visible
from core_sync.outbox import looked, unread
from core_sync.outbox.control import read_control
from core_sync.outbox.dispatch import Connectors
from core_sync.outbox.listing import Listing
from core_sync.outbox.looked import Watched, watched

PAGE_REQUESTS = 5
"""Requests of one look: pushes of the same channel share its budget, and are not to wait long."""

PAGE_MAX = 500

FAILED_READ_S = 5.0
"""How long after a look that failed to look again, where the channel does not say."""

FAILED_ALONE_S = 30.0
"""How long at most to let be a listing that cannot be read by itself."""


@dataclass
class ReadBack:
    """What one look found, by listing."""

    visible: list[Listing] = field(default_factory=list)
    waiting: list[Listing] = field(default_factory=list)
    overdue: list[Listing] = field(default_factory=list)
    refused: list[Listing] = field(default_factory=list)

    def add(self, other: "ReadBack") -> None:
        """Count another look in."""
        self.visible += other.visible
        self.waiting += other.waiting
        self.overdue += other.overdue
        self.refused += other.refused


def confirm_visible(
    database: Database, connectors: Connectors, at: datetime, only: Collection[Listing] | None = None
) -> ReadBack:
    """Look at every listing that is due for it on every channel; at those named in ``only`` also before their time."""
    with database.reading() as connection:
        names = channel_names(connection)
    found = ReadBack()
    for name in names:
        skus = None if only is None else [one.sku for one in only if one.channel == name]
        if skus == []:
            continue
        while True:
            page = look(database, connectors, name, at, skus)
            found.add(page)
            if skus is not None or not (page.visible or page.overdue or page.refused):
                break
    return found


def look(
    database: Database,
    connectors: Connectors,
    name: str,
    at: datetime,
    skus: Sequence[str] | None = None,
    jitter: Callable[[], float] = random.random,
) -> ReadBack:
    """One look at the listings of one channel that are longest due, as many as a few requests read."""
    found = ReadBack()
    channel = connectors.get(name)
    if channel is None:
        return found
    limits = channel.limits
    size = min(PAGE_MAX, max(1, limits.skus_per_read) * PAGE_REQUESTS)
    with database.reading() as connection:
        if read_control(connection, name).breaker.is_open:
            return found
        page = watched(connection, name, at, size, skus)
    if not page:
        return found
    if any(one.is_awaited and one.age_s(at) >= SOONEST_S for one in page):
        with database.reading() as connection:
            within_s = visible_within_s(connection, name, limits.visible_within_s, at)
        limits = replace(limits, visible_within_s=within_s)
    began = monotonic()
    told = _look(channel, page, lambda: unread.seen_lately(database, name, {one.listing.sku for one in page}))
    again_at = at + timedelta(seconds=monotonic() - began + told.rest_s)
    return database.write(lambda connection: _keep(connection, name, page, told, limits, at, again_at, jitter))


@dataclass(frozen=True, slots=True)
class _Told:
    """What a look came to: by intent, submissions refused later, and those still worked on; by SKU, what is shown.

    ``alone``: by intent, why a listing could not be read though it was asked for by itself; ``not_asked``: intents left
    for another time; ``out``: why the channel as a whole could not be read; ``is_well``: that it was seen that it can.
    """

    refused: Mapping[int, Rejected]
    working: Collection[int]
    reading: Reading
    alone: Mapping[int, ReadFailed]
    not_asked: Collection[int]
    out: ReadFailed | None
    is_well: bool

    @property
    def rest_s(self) -> float:
        """How long to let the channel be before it is asked again for what was not read."""
        asked = self.out.retry_after_s if self.out is not None else None
        return FAILED_READ_S if asked is None else asked


def _look(channel: Channel, page: Sequence[Watched], witnesses: Callable[[], Sequence[str]]) -> _Told:
    """Ask how far queued submissions are, then what is shown of all that is not still queued.

    A receipt that cannot be followed hides nothing: what is shown counts, whatever became of it.
    """
    receipts = {one.receipt for one in page if one.receipt is not None and one.is_awaited}
    followed = read_around(channel.follow, sorted(receipts))
    progress = {receipt: told for part in followed.parts for receipt, told in part.items()}
    refused: dict[int, Rejected] = {}
    working: set[int] = set()
    for one in page:
        told = progress.get(one.receipt or "") if one.is_awaited else None
        if isinstance(told, Working):
            working.add(one.intent_id)
        elif isinstance(told, Finished) and isinstance(answer := told.answer(one.listing.sku), Rejected):
            refused[one.intent_id] = answer
    asked = [one for one in page if not (one.intent_id in refused or one.intent_id in working)]
    seen = read_around(channel.read, [one.listing.sku for one in asked], witnesses)
    left = set(seen.not_asked)
    return _Told(
        refused,
        working,
        _merged(seen.parts),
        alone={one.intent_id: seen.alone[one.listing.sku] for one in asked if one.listing.sku in seen.alone},
        not_asked={one.intent_id for one in asked if one.listing.sku in left},
        out=seen.out,
        is_well=seen.is_well,
    )


def _keep(
    connection: Connection,
    name: str,
    page: Sequence[Watched],
    told: _Told,
    limits: ChannelLimits,
    at: datetime,
    again_at: datetime,
    jitter: Callable[[], float],
) -> ReadBack:
    """Write down what the look came to, for the listings whose value is still the one that was looked for."""
    found = ReadBack()
    page = looked.unchanged(connection, page)
    refused = [one for one in page if one.intent_id in told.refused]
    for one in refused:
        looked.refused(connection, one, told.refused[one.intent_id], at, jitter())
    found.refused += [one.listing for one in refused]
    count(connection, PUSHES_FAILED, len(refused), at, name)
    unseen = {*told.refused, *told.working, *told.alone, *told.not_asked}
    read = [one for one in page if one.intent_id not in unseen]
    _settle(connection, read, told.reading, limits, at, found)
    _wait_or_tell(connection, [one for one in page if one.intent_id in told.working], {}, limits, at, found)
    unseen_ones = [one for one in page if one.intent_id in told.alone or one.intent_id in told.not_asked]
    found.waiting += [one.listing for one in unseen_ones]
    _put_off(connection, unseen_ones, told, at, again_at)
    _tell_of_unread(connection, name, _beyond(unseen_ones, limits, at), told, at)
    unread.readable(connection, name, [one.listing for one in read], at, as_a_whole=told.is_well)
    awaited = [Awaited(one.intent_id, one.behind_since, one.accepted_at) for one in read if one.is_awaited]
    note_visible(connection, name, awaited, at)
    return found


def _put_off(connection: Connection, unseen: Sequence[Watched], told: _Told, at: datetime, again_at: datetime) -> None:
    """Look again soon for what was not asked; ever more seldom for what failed by itself."""
    looked.put_off(connection, [one for one in unseen if one.intent_id in told.not_asked], again_at)
    for one in unseen:
        if one.intent_id in told.alone:
            longer_s = min(FAILED_ALONE_S, max(FAILED_READ_S, one.age_s(at) / 2))
            looked.put_off(connection, [one], again_at + timedelta(seconds=longer_s))


def _tell_of_unread(connection: Connection, name: str, beyond: Sequence[Watched], told: _Told, at: datetime) -> None:
    """Tell of what should have been seen by now: of the channel that is out, or of the listings that fail alone."""
    if told.out is None:
        alone = {one.listing: told.alone[one.intent_id] for one in beyond if one.intent_id in told.alone}
        unread.tell_of_listings(connection, alone, at)
    elif beyond:
        what = f"{len(beyond)} listings that it accepted are not confirmed"
        unread.tell_of_channel(connection, name, what, told.out, at, unconfirmed=len(beyond))


def _beyond(page: Sequence[Watched], limits: ChannelLimits, at: datetime) -> list[Watched]:
    """Those that should have been seen by now."""
    return [one for one in page if one.is_awaited and one.age_s(at) >= limits.visible_within_s]


def _merged(parts: Sequence[Reading]) -> Reading:
    return Reading(
        {sku: shown for part in parts for sku, shown in part.quantities.items()},
        {sku: as_of for part in parts for sku, as_of in part.as_of.items()},
    )


def _settle(
    connection: Connection,
    asked: Sequence[Watched],
    reading: Reading,
    limits: ChannelLimits,
    at: datetime,
    found: ReadBack,
) -> None:
    """Sort what was read: shown as promised, not yet, or spoiled by an earlier push that came late."""
    told = {
        one.listing.sku: reading[one.listing.sku]
        for one in asked
        if one.listing.sku in reading and not _is_older(one, reading)
    }
    agreeing = [one for one in asked if told.get(one.listing.sku) == one.quantity]
    looked.seen(connection, agreeing, at)
    found.visible += [one.listing for one in agreeing]
    others = [one for one in asked if told.get(one.listing.sku) != one.quantity]
    spoiled = [one for one in others if not one.is_awaited]
    looked.seen_otherwise(connection, spoiled, told, at)
    _wait_or_tell(connection, [one for one in others if one.is_awaited], told, limits, at, found)


def _is_older(one: Watched, reading: Reading) -> bool:
    """Whether a figure is from before the channel accepted ours: it says nothing about ours."""
    as_of = reading.as_of.get(one.listing.sku)
    return one.is_awaited and as_of is not None and to_microseconds(as_of) < one.accepted_at


def _wait_or_tell(
    connection: Connection,
    late: Sequence[Watched],
    told: Mapping[str, int],
    limits: ChannelLimits,
    at: datetime,
    found: ReadBack,
) -> None:
    """Look again later; what should be shown by now is a failure too."""
    overdue = [one for one in late if one.age_s(at) >= limits.visible_within_s]
    looked.overdue(connection, overdue, told, limits, at)
    waiting = [one for one in late if one.age_s(at) < limits.visible_within_s]
    looked.not_yet(connection, waiting, told, limits, at)
    found.overdue += [one.listing for one in overdue]
    found.waiting += [one.listing for one in waiting]


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
                "UPDATE push_intent SET shown_quantity = :quantity, told_quantity = :quantity, visible_at = :at "
                "WHERE channel = :channel AND sku = :sku"
            ),
            [
                {"channel": listing.channel, "sku": listing.sku, "quantity": quantity, "at": to_microseconds(at)}
                for listing, quantity in sorted(shown.items())
            ],
        )
