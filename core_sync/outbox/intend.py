"""Intend what channels shall show, in the transaction that changed the stock behind it.

One row a listing: the last value wins. A listing on hold remembers what it should show and is not
pushed. Nothing here speaks to a channel; ``dispatch`` does, after the commit.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.availability.kits import kits_behind
from core_sync.availability.promises import as_json, promised_quantities, wanted_skus
from core_sync.availability.rules import SellingChannel
from core_sync.availability.selling import selling_channels
from core_sync.clock import to_microseconds
from core_sync.database.bulk import Bulk, Row
from core_sync.database.engine import Database
from core_sync.failures.record import resolve_subjects
from core_sync.ledger.locks import lock_skus
from core_sync.outbox.listing import Listing
from core_sync.outbox.margins import margins_of
from core_sync.outbox.rules import DeadLetter, urgency_of
from core_sync.outbox.tables import PushIntent
from core_sync.outbox.wake import ring

PART = 2_000
"""SKUs promised anew in one transaction where there are many."""

MAY_SHOW = """coalesce(i.told_quantity, i.shown_quantity) AS told, i.doubt_most,
       CASE WHEN i.state = 'sent' THEN i.quantity END AS under_way"""
"""Figures that a listing may show: told, in doubt, under way; ``largest`` is the one that the order goes by."""

_KNOWN = f"""
SELECT i.channel, i.sku, i.intent_id, i.quantity,
       CASE WHEN i.at_stake > 0 AND EXISTS (
           SELECT 1 FROM case_scope s WHERE s.kind = 'sku' AND s.value = i.sku AND s.of_open
       ) THEN i.at_stake ELSE 0 END AS at_stake,
       {MAY_SHOW}
FROM {{keys}} CROSS JOIN channel c CROSS JOIN push_intent i WHERE i.channel = c.channel AND i.sku = k.k0
"""

_NEW = (
    "channel",
    "sku",
    "quantity",
    "urgency",
    "intended_at",
    "behind_since",
    "revision",
    "state",
    "attempts",
    "lease",
)

# A value that changed starts afresh: attempts, back-off and dead letter belonged to the old one. Whoever is pushing
# the old one keeps the lease, so that nobody else pushes the new one at the same time. What a channel has accepted and
# was not seen to show may still be applied, after the new one even. What the channel does not list
# no value will mend: it was said once, and waits until the channel is seen to list it, or for a replay.
_UNSEEN = "state = 'accepted' AND told_quantity IS NOT NULL"
_DOUBTED = f"""doubt_least = CASE WHEN {_UNSEEN} AND told_quantity <= coalesce(doubt_least, told_quantity)
                       THEN told_quantity ELSE doubt_least END,
    doubt_most = CASE WHEN {_UNSEEN} AND told_quantity >= coalesce(doubt_most, told_quantity)
                      THEN told_quantity ELSE doubt_most END,
    doubt_until = CASE WHEN {_UNSEEN} THEN NULL ELSE doubt_until END"""
_AFRESH = f"""{_DOUBTED},
    revision = revision + 1, attempts = 0, not_before = NULL, receipt = NULL, recheck_at = NULL,
    dead_letter = CASE WHEN state = 'failed' AND dead_letter = '{DeadLetter.UNLISTED}' THEN dead_letter END,
    state = CASE WHEN state = 'held' OR state = 'failed' AND dead_letter = '{DeadLetter.UNLISTED}' THEN state
                 ELSE 'pending' END"""
_CHANGED = (
    "UPDATE push_intent SET quantity = ?, urgency = ?, intended_at = ?, behind_since = coalesce(behind_since, ?), "
    f"{_AFRESH} WHERE intent_id = ?"
    "||UPDATE push_intent i SET quantity = r.quantity, urgency = r.urgency, intended_at = r.intended_at, "
    f"behind_since = coalesce(i.behind_since, r.behind_since), {_AFRESH} "
    "FROM {rows} WHERE i.intent_id = r.intent_id"
)
_CHANGED_COLUMNS = ("quantity", "urgency", "intended_at", "behind_since", "intent_id")

_RULES_TURNED = """
SELECT sku FROM channel_rule
WHERE valid_from > :since AND valid_from <= :at OR valid_until > :since AND valid_until <= :at
UNION SELECT kit FROM kit_component
WHERE valid_from > :since AND valid_from <= :at OR valid_to > :since AND valid_to <= :at
"""

_HOLD = f"""
UPDATE push_intent SET {_DOUBTED}, state = 'held', hold_reason = :reason, recheck_at = NULL, receipt = NULL
WHERE channel = :channel AND sku = :sku
"""

_AS_SEEN = "shown_quantity = quantity AND told_quantity = quantity AND doubt_most IS NULL"
_RELEASE = f"""
UPDATE push_intent
SET state = CASE WHEN {_AS_SEEN} THEN 'visible' ELSE 'pending' END,
    behind_since = CASE WHEN {_AS_SEEN} THEN NULL ELSE coalesce(behind_since, :at) END,
    hold_reason = NULL, dead_letter = NULL, attempts = 0, not_before = NULL, revision = revision + 1, intended_at = :at
WHERE channel = :channel AND sku = :sku AND state = 'held'
"""

_IS_VISIBLE = "SELECT 1 FROM push_intent WHERE channel = :channel AND sku = :sku AND state = 'visible'"

_UNLISTED = f"""
SELECT i.sku FROM push_intent i JOIN ({{wanted}}) w ON w.sku = i.sku
WHERE i.channel = :channel AND i.state = 'failed' AND i.dead_letter = '{DeadLetter.UNLISTED}'
"""

_REQUEUE = """
UPDATE push_intent SET state = 'pending', attempts = 0, not_before = NULL, dead_letter = NULL, recheck_at = NULL
WHERE channel = :channel AND sku = :sku AND state <> 'held'
"""


@dataclass(frozen=True, slots=True)
class _Known:
    """A listing as it stands; ``most``: the largest figure that it may show, as far as anybody knows.

    That is what the channel last accepted, else showed; more, where a push is under way, queued or without an answer.
    ``at_stake``: what open cases expect to lose on it, in ten-thousandths of money.
    """

    intent_id: int
    quantity: int
    most: int | None
    at_stake: int


def refresh_intents(connection: Connection, skus: Collection[str], at: datetime) -> int:
    """Promise anew what channels may show of ``skus``, whose stock or rules changed; returns how many changed.

    The caller holds the SKUs' partitions (``lock_skus``), as every writer of stock does.
    """
    channels = selling_channels(connection) if skus else ()
    if not channels:
        return 0
    bulk = Bulk(connection)
    kits = kits_behind(bulk, skus, at)
    known = _known(bulk, {*skus, *kits.parts}, locked=bool(kits.parts))
    new: list[tuple[SellingChannel, str, int]] = []
    changed: list[tuple[SellingChannel, str, int, _Known]] = []
    by_name = {one.channel: one for one in channels}
    for channel, sku, quantity in promised_quantities(connection, skus, at, channels, kits):
        before = known.pop((channel, sku), None)
        if before is None:
            new.append((by_name[channel], sku, quantity))
        elif before.quantity != quantity:
            changed.append((by_name[channel], sku, quantity, before))
    # What is left are listings that nothing stands behind: a kit that has ended, stock whose beginning is not known.
    changed += [(by_name[channel], sku, 0, before) for (channel, sku), before in known.items() if before.quantity]
    if new or changed:
        margins = margins_of(bulk, {one[1] for one in new} | {one[1] for one in changed})
        moment = to_microseconds(at)
        bulk.insert(PushIntent, _NEW, [_new_row(*one, margins, moment) for one in new])
        # In the order of their keys, as every writer of many listings does: no two wait for each other.
        rows = sorted((_changed_row(*one, margins, moment) for one in changed), key=lambda row: int(row[-1]))
        bulk.execute(_CHANGED, PushIntent, _CHANGED_COLUMNS, rows)
        ring(connection)
    return len(new) + len(changed)


def refresh_all_intents(database: Database, at: datetime) -> int:
    """Promise everything anew, in parts so that writers need not wait for all; returns how many changed.

    For when channels, shares or safety stocks changed, and for the start of a process: what changed by the passing of
    time alone while none ran is found then.
    """
    with database.reading() as connection:
        stocked = list(connection.execute(text("SELECT DISTINCT sku FROM position ORDER BY sku")).scalars())
    return _refresh_in_parts(database, stocked, at)


def refresh_by_rules(database: Database, since: datetime, at: datetime) -> int:
    """Promise anew where a rule or kit has begun or ended after ``since``, up to ``at``; returns how many changed."""
    bound = {"since": to_microseconds(since), "at": to_microseconds(at)}
    with database.reading() as connection:
        skus = list(connection.execute(text(_RULES_TURNED), bound).scalars())
    return refresh_all_intents(database, at) if "" in skus else _refresh_in_parts(database, skus, at)


def _refresh_in_parts(database: Database, skus: Sequence[str], at: datetime) -> int:
    changed = 0
    for start in range(0, len(skus), PART):
        part = skus[start : start + PART]
        with database.transaction() as connection:
            lock_skus(connection, part)
            changed += refresh_intents(connection, part, at)
    return changed


def hold(connection: Connection, listings: Collection[Listing], reason: str) -> int:
    """Stop pushing ``listings`` until they are released; returns how many are held now."""
    return _each(connection, _HOLD, listings, reason=reason)


def now_listed(connection: Connection, channel: str, skus: Collection[str]) -> int:
    """The channel is seen to list ``skus``: those it was said not to list are due again; returns how many."""
    bound = {"skus": as_json(skus), "channel": channel}
    unlisted = connection.execute(text(_UNLISTED.format(wanted=wanted_skus(connection))), bound).scalars().all()
    return requeue(connection, [Listing(channel, sku) for sku in unlisted]) if unlisted else 0


def release(connection: Connection, listings: Collection[Listing], at: datetime) -> int:
    """Push held ``listings`` again, with the value they should show by now; returns how many were held."""
    released = _each(connection, _RELEASE, listings, at=to_microseconds(at))
    rows = [{"channel": listing.channel, "sku": listing.sku} for listing in sorted(listings)]
    right = [Listing(**row) for row in rows if connection.execute(text(_IS_VISIBLE), row).first() is not None]
    resolve_subjects(connection, [one.subject for one in right], at, "the channel shows the promised quantity")
    ring(connection)
    return released


def requeue(connection: Connection, listings: Collection[Listing]) -> int:
    """Make ``listings`` due at once, whatever their attempts and back-off; those on hold stay so."""
    queued = _each(connection, _REQUEUE, listings)
    ring(connection)
    return queued


def largest(may_show: Iterable[int | None]) -> int | None:
    """The largest of the figures that a listing may show; None where nothing is known."""
    return max((one for one in may_show if one is not None), default=None)


def _known(bulk: Bulk, skus: Collection[str], *, locked: bool) -> dict[tuple[str, str], _Known]:
    """The listings of ``skus``; ``locked``: held until the transaction ends, before any stock is read.

    A kit hangs on SKUs of several partitions, whose writers would else each work it out from what they see alone.
    """
    locking = "ORDER BY i.intent_id FOR UPDATE OF i" if locked and not bulk.is_sqlite else ""
    rows = bulk.rows(f"{_KNOWN} {locking}", ("text",), list(skus))
    return {
        (channel, sku): _Known(intent_id, quantity, largest(may_show), at_stake)
        for channel, sku, intent_id, quantity, at_stake, *may_show in rows
    }


def _new_row(channel: SellingChannel, sku: str, quantity: int, margins: Mapping[str, int], moment: int) -> Row:
    urgency = urgency_of(quantity, None, margins.get(sku, 0), channel.oversell_penalty or 0)
    return (channel.channel, sku, quantity, urgency, moment, moment, 1, "pending", 0, 0)


def _changed_row(
    channel: SellingChannel, sku: str, quantity: int, before: _Known, margins: Mapping[str, int], moment: int
) -> Row:
    penalty = channel.oversell_penalty or 0
    urgency = urgency_of(quantity, before.most, margins.get(sku, 0), penalty, before.at_stake)
    return (quantity, urgency, moment, moment, before.intent_id)


def _each(connection: Connection, statement: str, listings: Collection[Listing], **bound: object) -> int:
    if not listings:
        return 0
    rows = [{"channel": listing.channel, "sku": listing.sku, **bound} for listing in sorted(listings)]
    return max(connection.execute(text(statement), rows).rowcount, 0)
