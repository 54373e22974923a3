"""Set how many units a channel holds back of a SKU, and take it back: a new version of its rule, and what follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, text

from core_sync.availability.books import terms_for
from core_sync.availability.promises import channel_names, channel_terms
from core_sync.availability.rules import NO_RULE
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import NotFound, VerbRefused
from core_sync.ledger.locks import lock_skus
from core_sync.master_data.known import check_known
from core_sync.master_data.tables import ChannelRule
from core_sync.outbox.intend import refresh_intents


@dataclass(frozen=True, slots=True)
class NewBuffer:
    """``units`` of ``sku`` that ``channel`` shall not promise, and why.

    After ``valid_until`` the rule before it holds again; None: until the next. ``put_back`` is the version that a
    rollback puts in force again, 0 for the channel's rule for all; None: it is no rollback.
    """

    channel: str
    sku: str
    units: int
    reason: str
    valid_until: datetime | None = None
    put_back: int | None = None


@dataclass(frozen=True, slots=True)
class BufferVersion:
    """A version of the rule that ``channel`` has for one SKU; ``in_force`` marks the one that holds now.

    ``put_back`` is as of ``NewBuffer``.
    """

    version: int
    channel: str
    sku: str
    buffer: int
    valid_from: datetime
    valid_until: datetime | None
    owner: str | None
    reason: str | None
    put_back: int | None
    in_force: bool

    @property
    def origin(self) -> int:
        """The version that first had this buffer in force, of which this one may be a rollback."""
        return self.version if self.put_back is None else self.put_back


def set_buffers(connection: Connection, new: Sequence[NewBuffer], owner: str, at: datetime) -> int:
    """Write the buffers that differ from those in force, the rest of each rule as it is; returns how many that were.

    One that is in force already is written again where its end differs, or where it is in force by another rule than
    the SKU's own; a rollback always is.

    Raises:
        NotFound: there is no such channel or SKU.
        VerbRefused: a buffer below 0, one without a reason, or one that has ended already.
    """
    known = set(channel_names(connection))
    for one in new:
        if one.channel not in known:
            raise NotFound("channel", one.channel)
        if one.units < 0:
            raise VerbRefused("set the buffer of", f"{one.sku} on {one.channel}", f"{one.units} is less than nothing")
        if one.valid_until is not None and one.valid_until <= at:
            raise VerbRefused("set the buffer of", f"{one.sku} on {one.channel}", f"it would end at {one.valid_until}")
        if not one.reason.strip():
            raise VerbRefused("set the buffer of", f"{one.sku} on {one.channel}", "it needs a reason")
    check_known(connection, {one.sku for one in new})
    lock_skus(connection, {one.sku for one in new})
    terms = channel_terms(connection, {one.sku for one in new}, at)
    ends: dict[int, int] = dict(connection.execute(text(_ENDS), {"at": to_microseconds(at)}).all())
    rows = []
    for one in new:
        own = terms.get((one.channel, one.sku))
        now = terms_for(terms, one.channel, one.sku)
        until = to_microseconds(one.valid_until) if one.valid_until is not None else None
        if (
            one.put_back is not None
            or own is None
            or own.buffer != one.units
            or (ends.get(now.rule_version) if now.rule_version else None) != until
        ):
            rows.append(
                {
                    "channel": one.channel,
                    "sku": one.sku,
                    "share_ten_thousandths": now.share_ten_thousandths,
                    "buffer": one.units,
                    "shortage_below": now.shortage_below,
                    "valid_from": to_microseconds(at),
                    "valid_until": until,
                    "owner": owner,
                    "reason": one.reason,
                    "put_back": one.put_back,
                }
            )
    if rows:
        connection.execute(insert(ChannelRule), rows)
        refresh_intents(connection, {str(row["sku"]) for row in rows}, at)
    return len(rows)


_ENDS = "SELECT version, valid_until FROM channel_rule WHERE valid_until > :at"


def buffer_versions(connection: Connection, sku: str, channel: str, at: datetime) -> list[BufferVersion]:
    """Every version of the rule that ``channel`` has for ``sku``, the newest first.

    Raises:
        NotFound: there is no such channel or SKU.
    """
    if channel not in channel_names(connection):
        raise NotFound("channel", channel)
    check_known(connection, [sku])
    rows = connection.execute(text(_VERSIONS), {"sku": sku, "channel": channel}).all()
    now = channel_terms(connection, {sku}, at).get((channel, sku))
    holds = now.rule_version if now is not None else None
    return [
        BufferVersion(
            row.version, channel, sku, row.buffer, from_microseconds(row.valid_from),
            from_microseconds(row.valid_until) if row.valid_until is not None else None,
            row.owner, row.reason, row.put_back, row.version == holds,
        )
        for row in rows
    ]  # fmt: skip


_VERSIONS = """
SELECT version, buffer, valid_from, valid_until, owner, reason, put_back FROM channel_rule
WHERE channel = :channel AND sku = :sku ORDER BY version DESC
"""


def roll_back_buffer(
    connection: Connection, sku: str, channel: str, owner: str, reason: str, at: datetime, to: int | None = None
) -> int:
    """Put the buffer of an earlier version in force again, as a new version; returns its units.

    ``to`` names the version; None: the last before that in force with other units (one that was renewed has the same),
    or where there is none the channel's own rule. From a version that was rolled back to it goes on further back.

    Raises:
        NotFound: there is no such channel or SKU, or no version ``to`` of this rule.
        VerbRefused: no version is in force, nothing is before it, or no reason.
    """
    if not reason.strip():
        raise VerbRefused("roll back", f"the buffer of {sku} on {channel}", "it needs a reason")
    lock_skus(connection, {sku})
    versions = buffer_versions(connection, sku, channel, at)
    held = next((one for one in versions if one.in_force), None)
    if held is None:
        raise VerbRefused("roll back", f"the buffer of {sku} on {channel}", "it has no version in force")
    if to is None:
        if held.origin == 0:
            raise VerbRefused("roll back", f"the buffer of {sku} on {channel}", "nothing was in force before it")
        earlier = (one for one in versions if one.version < held.origin)
        before = next((one for one in earlier if one.buffer != held.buffer), None)
        usual = channel_terms(connection, {sku}, at).get((channel, ""), NO_RULE)
        units, origin = (usual.buffer, 0) if before is None else (before.buffer, before.origin)
    else:
        named = next((one for one in versions if one.version == to), None)
        if named is None:
            raise NotFound(f"version of the buffer of {sku} on {channel}", to)
        units, origin = named.buffer, named.origin
    told = f"rolled back version {held.version} ({held.buffer} units): {reason}"
    set_buffers(connection, [NewBuffer(channel, sku, units, told, put_back=origin)], owner, at)
    return units
