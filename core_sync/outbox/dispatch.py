"""Push what is due on a channel, and keep what came of it. No transaction is open while a channel is spoken to.

One submission at a time: before each the leases are looked at, so that whoever has stalled notices, and the values
are read anew, so that a late push still sends today's truth. A push whose answer did not come is settled by reading
back; one that a channel refuses because its figure moved is pushed again from the figure it tells. After the first
answer that no working channel gives, the rest goes back unharmed until the next round; a listing that alone is
forbidden holds up nobody else.
"""

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic, perf_counter
from typing import Protocol
from uuid import uuid4

from sqlalchemy import Connection

from core_sync.availability.promises import channel_names
from core_sync.channels.budget import OUR_PACE, Pace
from core_sync.channels.port import STALE, Accepted, Channel, PushAnswer, ReadFailed, Rejected, Unknown
from core_sync.database.engine import Database
from core_sync.outbox.answers import Answered, Recorded, give_back, record_answers
from core_sync.outbox.due import DuePush, latest, renew_leases, take_due
from core_sync.outbox.listing import Listing
from core_sync.outbox.rules import FORBIDDEN_MAX, LEASE, Heard, heard

STALE_TRIES = 3
"""A figure that moves at the channel faster than it is read and set is left to the next round."""

UNHEARD_S = 0.25
"""How long a sale that a channel's figure shows already is waited for, before that figure is raised again."""

KEPT_WITHIN_S = 0.25
"""What came of pushes is written down at least this often."""

REST_MAX_S = 1.0
"""A round waits this long for a channel's budget; longer rests end it."""

LIMIT = 200
"""Listings of one round."""

_GOES_ON = (Heard.ANSWERED, Heard.FORBIDDEN)
"""What a channel may say of one listing and still be asked about the next."""


class Connectors(Protocol):
    """Channels by name; None where none is configured."""

    def get(self, name: str) -> Channel | None:
        """The connector of channel ``name``."""
        ...


@dataclass(frozen=True)
class Dispatcher:
    """Who pushes: its name on leases, how long they last, whose time it goes by, and where its jitter comes from."""

    name: str = field(default_factory=lambda: uuid4().hex[:12])
    lease: timedelta = LEASE
    pace: Pace = OUR_PACE
    jitter: Callable[[], float] = random.random


@dataclass
class Pushed:
    """What came of one round, by listing; ``again_at``: when a channel that has to rest may be pushed to again."""

    accepted: list[Listing] = field(default_factory=list)
    retried_later: list[Listing] = field(default_factory=list)
    failed: list[Listing] = field(default_factory=list)
    given_back: list[Listing] = field(default_factory=list)
    again_at: datetime | None = field(default=None, compare=False)

    def add(self, other: "Pushed") -> None:
        """Count another round in."""
        self.accepted += other.accepted
        self.retried_later += other.retried_later
        self.failed += other.failed
        self.given_back += other.given_back


def push_due(
    database: Database,
    connectors: Connectors,
    at: datetime,
    *,
    limit: int = LIMIT,
    only: Collection[Listing] | None = None,
    dispatcher: Dispatcher | None = None,
) -> Pushed:
    """One round on every channel, one after the other. ``only`` narrows it to the listings named."""
    with database.reading() as connection:
        names = channel_names(connection)
    wanted = names if only is None else [name for name in names if name in {one.channel for one in only}]
    pushed = Pushed()
    for name in wanted:
        pushed.add(push_channel(database, connectors, name, at, limit=limit, only=only, dispatcher=dispatcher))
    return pushed


def push_channel(
    database: Database,
    connectors: Connectors,
    name: str,
    at: datetime,
    *,
    limit: int = LIMIT,
    only: Collection[Listing] | None = None,
    dispatcher: Dispatcher | None = None,
) -> Pushed:
    """One round on one channel: lease, push in order, record, until nothing is due, ``limit``, or a rest is asked for.

    ``at`` is when the round begins; its later moments are told from it.
    """
    pushed = Pushed()
    channel = connectors.get(name)
    if channel is None:
        return pushed
    round_ = _Round(database, channel, name, at, dispatcher or Dispatcher())
    while (left := limit - round_.leased) > 0:
        due = round_.lease(left, only)
        if not due:
            break
        if not round_.push(due, pushed):
            break
    pushed.again_at = round_.again_at
    return pushed


class _Round:
    """One dispatcher at work on one channel."""

    def __init__(self, database: Database, channel: Channel, name: str, at: datetime, who: Dispatcher) -> None:
        self._database = database
        self._channel = channel
        self._name = name
        self._who = who
        self._began, self._began_at = who.pace.clock(), at
        self.leased = 0
        self._submissions = 0
        self._on_request = False
        self.again_at: datetime | None = None

    def now(self) -> datetime:
        """The present moment, told from the beginning of the round."""
        return self._began_at + timedelta(seconds=self._who.pace.clock() - self._began)

    def lease(self, limit: int, only: Collection[Listing] | None) -> Sequence[DuePush]:
        """What is due, leased; waits where the channel's budget is only just used up."""
        self._on_request = only is not None
        while True:
            with self._database.transaction() as connection:
                taken = take_due(
                    connection, self._name, self._channel.limits, self.now(), limit,
                    dispatcher=self._who.name, lease=self._who.lease, only=only,
                )  # fmt: skip
            self.again_at = taken.again_at
            rest_s = (taken.again_at - self.now()).total_seconds() if taken.again_at else 0.0
            if taken.due or taken.again_at is None or rest_s > REST_MAX_S:
                self.leased += len(taken.due)
                return taken.due
            self._who.pace.wait(max(0.0, rest_s))

    def push(self, due: Sequence[DuePush], pushed: Pushed) -> bool:
        """Push ``due`` in as many submissions as it takes; says whether the channel still answers."""
        answered: list[Answered] = []
        kept_at = monotonic()
        waiting = list(due)
        size = max(1, self._channel.limits.skus_per_push)
        worst, forbidden = Heard.ANSWERED, 0
        while waiting and worst is Heard.ANSWERED and forbidden < FORBIDDEN_MAX:
            submission, waiting = waiting[:size], waiting[size:]
            answers = list(self._submit(self._still_ours(submission, waiting)))
            answered += answers
            told = [heard(one.answer) for one in answers]
            worst = next((one for one in told if one not in _GOES_ON), worst)
            forbidden = 0 if Heard.ANSWERED in told else forbidden + told.count(Heard.FORBIDDEN)
            if monotonic() - kept_at > KEPT_WITHIN_S:
                self._keep(answered, (), pushed)
                answered, kept_at = [], monotonic()
        self._keep(answered, waiting, pushed)
        return worst in (Heard.ANSWERED, Heard.BUSY) and forbidden < FORBIDDEN_MAX

    def _still_ours(self, submission: Sequence[DuePush], waiting: Sequence[DuePush]) -> Sequence[DuePush]:
        """Those whose lease holds, with today's value; the leases are renewed once half of their time has passed."""
        now = self.now()
        with self._database.reading() as connection:
            ours, ends = latest(connection, submission, now, on_request=self._on_request)
        if ends is not None and ends - now < self._who.lease / 2:
            with self._database.transaction() as connection:
                renew_leases(connection, [*submission, *waiting], now + self._who.lease)
                ours, _ = latest(connection, submission, now, on_request=self._on_request)
        return ours

    def _submit(self, pushes: Sequence[DuePush]) -> Iterator[Answered]:
        """Push, and push again from the figure the channel tells where that moved under us."""
        tries = 0
        while pushes:
            tries += 1
            self._submissions += 1
            started = perf_counter()
            answers = self._channel.push([push.request for push in pushes])
            latency_ms = (perf_counter() - started) * 1000
            stale: list[DuePush] = []
            unknown: list[tuple[DuePush, Unknown]] = []
            for push, answer in zip(pushes, answers, strict=True):
                if isinstance(answer, Rejected) and answer.code == STALE and tries < STALE_TRIES:
                    stale.append(replace(push, told_quantity=answer.shown_quantity))
                elif isinstance(answer, Unknown):
                    unknown.append((push, answer))
                else:
                    yield Answered(push, answer, latency_ms, self.now(), self._submissions)
            yield from self._settle(unknown, latency_ms)
            pushes = self._from_there(stale) if stale else ()

    def _from_there(self, stale: Sequence[DuePush]) -> Sequence[DuePush]:
        """Those whose figure moved, with today's value; where it fell below that, once its sales had time to come.

        What a channel sold and has not told yet is still in our value: to set that at once would sell it twice.
        """
        pushes = self._still_ours(stale, ())
        if any(push.told_quantity is not None and push.told_quantity < push.quantity for push in pushes):
            self._who.pace.wait(UNHEARD_S)
            pushes = self._still_ours(pushes, ())
        return pushes

    def _settle(self, unknown: Sequence[tuple[DuePush, Unknown]], latency_ms: float) -> Iterator[Answered]:
        """A push without an answer has arrived if the channel shows it; else nobody knows."""
        shown = self._read([push.listing.sku for push, _ in unknown])
        for push, answer in unknown:
            there = shown.get(push.listing.sku) == push.quantity
            settled: PushAnswer = Accepted(None, exchange=answer.exchange) if there else answer
            yield Answered(push, settled, latency_ms, self.now(), self._submissions)

    def _read(self, skus: Sequence[str]) -> dict[str, int]:
        if not skus:
            return {}
        try:
            return dict(self._channel.read(skus))
        except ReadFailed:
            return {}

    def _keep(self, answered: Sequence[Answered], unsent: Sequence[DuePush], pushed: Pushed) -> None:
        recorded = self._recorded(answered, unsent)
        pushed.accepted += recorded.accepted
        pushed.retried_later += recorded.retried_later
        pushed.failed += recorded.failed
        pushed.given_back += [push.listing for push in unsent]

    def _recorded(self, answered: Sequence[Answered], unsent: Sequence[DuePush]) -> Recorded:
        """Write down what the channel said, again where another writer was in the way: it will not say it twice."""

        def write_down(connection: Connection) -> Recorded:
            recorded = record_answers(
                connection, self._name, self._channel.limits, answered, self._who.jitter, self._began_at
            )
            give_back(connection, unsent)
            return recorded

        return self._database.write(write_down)
