"""Which listings of a channel are due, and leasing them.

A lease has a number. Whoever reports under an older number than the row's has lost it: its word is not taken, and
before every submission a dispatcher looks whether the leases are still its own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, text

from core_sync.channels.port import ChannelLimits, PushRequest
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.outbox.control import locked_control, read_control, write_control
from core_sync.outbox.listing import Listing
from core_sync.outbox.rules import LEASE

_DUE = """
SELECT i.intent_id, i.sku, i.quantity, i.revision, i.told_quantity, i.attempts, i.lease,
       i.intended_at
FROM push_intent i JOIN channel c ON c.channel = i.channel
WHERE i.channel = :channel AND {wanted} {only}
  AND (i.leased_until IS NULL OR i.leased_until <= :at) {turn}
LIMIT :limit {locking}
"""

_IN_TURN = "AND (i.not_before IS NULL OR i.not_before <= :at) ORDER BY i.urgency, i.intent_id"

# A probe finds out about the channel, not the listing: one that waits will do where nothing else is left.
_AS_A_PROBE = "ORDER BY CASE WHEN i.not_before > :at THEN 1 ELSE 0 END, i.urgency, i.intent_id"

PILOT = {
    "sqlite": "i.sku IN (SELECT value FROM json_each(c.attributes, '$.pilot_skus'))",
    "postgresql": (
        "i.sku IN (SELECT value FROM json_array_elements_text("
        "coalesce(CAST(c.attributes AS json) -> 'pilot_skus', CAST('[]' AS json))))"
    ),
}
"""Whether a listing ``i`` of a channel ``c`` in mode pilot is one of those that are pushed."""

# A pilot channel that is pushed to on request takes a listing that somebody asked for, and no other.
_ON_REQUEST = {
    "sqlite": "OR coalesce(json_extract(c.attributes, '$.push_on_request'), 0) = 1",
    "postgresql": "OR coalesce(CAST(c.attributes AS json) ->> 'push_on_request', 'false') = 'true'",
}

_WANTED = "i.state IN ('pending', 'sent') AND c.mode <> 'shadow' AND (c.mode = 'live' OR {pilot} {on_request})"

_NAMED = {
    "sqlite": "AND i.sku IN (SELECT value FROM json_each(:named))",
    "postgresql": "AND i.sku IN (SELECT value FROM json_array_elements_text(CAST(:named AS json)))",
}

_TAKE = """
UPDATE push_intent SET state = 'sent', lease = lease + 1, leased_by = :by, leased_until = :until, sent_at = :at
WHERE intent_id = :intent_id
"""

_OWN = {
    "sqlite": (
        "SELECT i.intent_id, i.quantity, i.revision, i.leased_until FROM json_each(:leases) w CROSS JOIN push_intent i "
        "ON i.intent_id = json_extract(w.value, '$[0]') JOIN channel c ON c.channel = i.channel "
        "WHERE i.lease = json_extract(w.value, '$[1]') AND "
    ),
    "postgresql": (
        "SELECT i.intent_id, i.quantity, i.revision, i.leased_until FROM json_array_elements(CAST(:leases AS json)) w "
        "JOIN push_intent i ON i.intent_id = CAST(w.value ->> 0 AS bigint) JOIN channel c ON c.channel = i.channel "
        "WHERE i.lease = CAST(w.value ->> 1 AS bigint) AND "
    ),
}

_RENEW = "UPDATE push_intent SET leased_until = :until WHERE intent_id = :intent_id AND lease = :lease"

_AGAIN = """
SELECT min(coalesce(i.leased_until, 0)),
       min(CASE WHEN coalesce(i.not_before, 0) > coalesce(i.leased_until, 0) THEN coalesce(i.not_before, 0)
                ELSE coalesce(i.leased_until, 0) END)
FROM push_intent i JOIN channel c ON c.channel = i.channel
WHERE i.channel = :channel AND i.state IN ('pending', 'sent') AND (c.mode = 'live' OR c.mode = 'pilot' AND {pilot})
"""


@dataclass(frozen=True, slots=True)
class DuePush:
    """One listing that this dispatcher holds the lease of.

    ``told_quantity`` is what the channel last accepted or showed, as far as anybody knows; ``attempts`` are the counted
    tries of this value so far.
    """

    intent_id: int
    listing: Listing
    quantity: int
    revision: int
    told_quantity: int | None
    attempts: int
    lease: int
    intended_at: int

    @property
    def request(self) -> PushRequest:
        """What is asked of the channel; the key names this value of this listing, whoever pushes it and how often."""
        key = f"intent-{self.intent_id}-{self.revision}"
        return PushRequest(self.listing.sku, self.quantity, self.told_quantity, key)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was leased; ``again_at``: when to ask again where that is nothing because the channel must rest."""

    due: Sequence[DuePush]
    again_at: datetime | None = None


def take_due(
    connection: Connection,
    channel: str,
    limits: ChannelLimits,
    at: datetime,
    limit: int,
    *,
    dispatcher: str,
    lease: timedelta = LEASE,
    only: Collection[Listing] | None = None,
) -> Taken:
    """Lease up to ``limit`` due listings of ``channel`` in the order of their urgency, of ``only`` where given.

    No more than the request budget carries; one to probe with while the channel is out; none while it rests.
    Channels in mode shadow have none. Those in mode pilot have their ``pilot_skus``; where their attributes say
    ``push_on_request``, whatever ``only`` names too.
    """
    control = locked_control(connection, channel)
    allowed = min(limit, control.listings_allowed(limits, at))
    if allowed == 0:
        return Taken((), control.again_at(limits, at))
    dialect = connection.dialect.name
    statement = _DUE.format(
        only=_NAMED[dialect] if only is not None else "",
        wanted=_wanted(dialect, on_request=only is not None),
        turn=_AS_A_PROBE if control.breaker.is_open else _IN_TURN,
        locking="FOR UPDATE OF i SKIP LOCKED" if dialect == "postgresql" else "",
    )
    bound: dict[str, object] = {"channel": channel, "at": to_microseconds(at), "limit": allowed}
    if only is not None:
        bound["named"] = msgspec.json.encode([one.sku for one in only if one.channel == channel]).decode()
    due = [_due_push(channel, row) for row in connection.execute(text(statement), bound)]
    if due:
        until = to_microseconds(at + lease)
        connection.execute(
            text(_TAKE),
            [{"intent_id": one.intent_id, "by": dispatcher, "until": until, "at": bound["at"]} for one in due],
        )
        write_control(connection, control.taken(limits, len(due), at))
    return Taken(due)


def latest(
    connection: Connection, pushes: Sequence[DuePush], at: datetime, *, on_request: bool = False
) -> tuple[list[DuePush], datetime | None]:
    """Those of ``pushes`` whose lease still holds, each with the value it should show by now.

    What was put on hold meanwhile, and what its channel's mode no longer lets out, is not among them; ``on_request``
    says that somebody asked for them by name.

    Also when the first of the leases ends, so that it can be renewed in time; None where none is left.
    """
    leases = msgspec.json.encode([(push.intent_id, push.lease) for push in pushes]).decode()
    dialect = connection.dialect.name
    rows = connection.execute(text(_OWN[dialect] + _wanted(dialect, on_request=on_request)), {"leases": leases})
    own = {intent_id: told for intent_id, *told in rows if told[2] is not None and told[2] > to_microseconds(at)}
    kept = [
        replace(push, quantity=own[push.intent_id][0], revision=own[push.intent_id][1])
        for push in pushes
        if push.intent_id in own
    ]
    ends = min((until for _, _, until in own.values()), default=None)
    return kept, None if ends is None else from_microseconds(ends)


def renew_leases(connection: Connection, pushes: Sequence[DuePush], until: datetime) -> None:
    """Hold the leases of ``pushes`` until ``until``, those that are lost excepted: the heartbeat of a dispatcher."""
    rows = [
        {"intent_id": push.intent_id, "lease": push.lease, "until": to_microseconds(until)}
        for push in sorted(pushes, key=lambda one: one.intent_id)
    ]
    if rows:
        connection.execute(text(_RENEW), rows)


def next_due_at(connection: Connection, channel: str, limits: ChannelLimits, at: datetime) -> datetime | None:
    """When something of ``channel`` comes due next, ``at`` where it is already; None while nothing waits."""
    statement = text(_AGAIN.format(pilot=PILOT[connection.dialect.name]))
    as_a_probe, in_turn = connection.execute(statement, {"channel": channel}).one()
    if in_turn is None:
        return None
    control = read_control(connection, channel)
    first = as_a_probe if control.breaker.is_open else in_turn
    return max(from_microseconds(int(first)), control.again_at(limits, at))


def _wanted(dialect: str, *, on_request: bool) -> str:
    """The condition of a listing ``i`` that its channel ``c`` is to be told of now."""
    return _WANTED.format(pilot=PILOT[dialect], on_request=_ON_REQUEST[dialect] if on_request else "")


def _due_push(channel: str, row: Row[Any]) -> DuePush:
    return DuePush(
        row.intent_id,
        Listing(channel, row.sku),
        row.quantity,
        row.revision,
        row.told_quantity,
        row.attempts,
        row.lease + 1,
        row.intended_at,
    )
