"""Set how many units a channel holds back of a SKU, and take it back: a new version of its rule, and what follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, text

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

    After ``valid_until`` the rule before it holds again; None: until the next.
    """

    channel: str
    sku: str
    units: int
    reason: str
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class BufferVersion:
    """A version of the rule that ``channel`` has for one SKU; ``in_force`` marks the one that holds now."""

    version: int
    channel: str
    sku: str
    buffer: int
    valid_from: datetime
    valid_until: datetime | None
    owner: str | None
    reason: str | None
    in_force: bool


def set_buffers(connection: Connection, new: Sequence[NewBuffer], owner: str, at: datetime) -> int:
    """Write the buffers that differ from those in force, the rest of each rule as it is; returns how many that were.

    One that is in force already is written again where its end differs, or where it is in force by another rule than
    the SKU's own.

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
        now = own or terms.get((one.channel, ""), NO_RULE)
        until = to_microseconds(one.valid_until) if one.valid_until is not None else None
        if (
            own is None
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
            row.owner, row.reason, row.version == holds,
        )
        for row in rows
    ]  # fmt: skip


_VERSIONS = """
SELECT version, buffer, valid_from, valid_until, owner, reason FROM channel_rule
WHERE channel = :channel AND sku = :sku ORDER BY version DESC
"""


def roll_back_buffer(
    connection: Connection, sku: str, channel: str, owner: str, reason: str, at: datetime, to: int | None = None
) -> int:
    """Put the buffer of an earlier version in force again, as a new version; returns its units.

    ``to`` names the version; None: the last before that in force with other units (one that was renewed has the same),
    or where there is none the channel's own rule.

    Raises:
        NotFound: there is no such channel or SKU, or no version ``to`` of this rule.
        VerbRefused: no version is in force, or no reason.
    """
    if not reason.strip():
        raise VerbRefused("roll back", f"the buffer of {sku} on {channel}", "it needs a reason")
    lock_skus(connection, {sku})
    versions = buffer_versions(connection, sku, channel, at)
    held = next((one for one in versions if one.in_force), None)
    if held is None:
        raise VerbRefused("roll back", f"the buffer of {sku} on {channel}", "it has no version in force")
    if to is None:
        earlier = (one.buffer for one in versions if one.version < held.version)
        before = next((units for units in earlier if units != held.buffer), None)
        usual = channel_terms(connection, {sku}, at).get((channel, ""), NO_RULE)
        units = usual.buffer if before is None else before
    else:
        named = next((one for one in versions if one.version == to), None)
        if named is None:
            raise NotFound(f"version of the buffer of {sku} on {channel}", to)
        units = named.buffer
    told = f"rolled back version {held.version} ({held.buffer} units): {reason}"
    set_buffers(connection, [NewBuffer(channel, sku, units, told)], owner, at)
    return units
