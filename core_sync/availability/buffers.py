"""Set how many units a channel holds back of a SKU: a new version of its rule, and the listings that follow from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert

from core_sync.availability.promises import channel_names, channel_terms
from core_sync.availability.rules import NO_RULE
from core_sync.clock import to_microseconds
from core_sync.errors import NotFound, VerbRefused
from core_sync.ledger.locks import lock_skus
from core_sync.master_data.tables import ChannelRule
from core_sync.outbox.intend import refresh_intents


@dataclass(frozen=True, slots=True)
class NewBuffer:
    """``units`` of ``sku`` that ``channel`` shall not promise, and why."""

    channel: str
    sku: str
    units: int
    reason: str


def set_buffers(connection: Connection, new: Sequence[NewBuffer], owner: str, at: datetime) -> int:
    """Write the buffers that differ from those in force, the rest of each rule as it is; returns how many that were.

    Raises:
        NotFound: there is no such channel.
        VerbRefused: a buffer below 0.
    """
    known = set(channel_names(connection))
    for one in new:
        if one.channel not in known:
            raise NotFound("channel", one.channel)
        if one.units < 0:
            raise VerbRefused("set the buffer of", f"{one.sku} on {one.channel}", f"{one.units} is less than nothing")
    lock_skus(connection, {one.sku for one in new})
    terms = channel_terms(connection, {one.sku for one in new}, at)
    rows = []
    for one in new:
        now = terms.get((one.channel, one.sku), terms.get((one.channel, ""), NO_RULE))
        if now.buffer != one.units:
            rows.append(
                {
                    "channel": one.channel,
                    "sku": one.sku,
                    "share_ten_thousandths": now.share_ten_thousandths,
                    "buffer": one.units,
                    "shortage_below": now.shortage_below,
                    "valid_from": to_microseconds(at),
                    "owner": owner,
                    "reason": one.reason,
                }
            )
    if rows:
        connection.execute(insert(ChannelRule), rows)
        refresh_intents(connection, {str(row["sku"]) for row in rows}, at)
    return len(rows)
