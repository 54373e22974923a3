"""Tell the outbox what open cases expect to lose on a listing, so that within a class the dearest goes first.

Who prices cases tells it here. It counts while an open case touches the SKU, and only for the order: which values
go out, and zeros before decreases before increases, does not depend on it.
"""

from collections.abc import Collection, Mapping
from decimal import Decimal

from sqlalchemy import Connection

from core_sync.availability.selling import selling_channels
from core_sync.database.bulk import Bulk
from core_sync.money import to_ten_thousandths
from core_sync.outbox.intend import MAY_SHOW, largest
from core_sync.outbox.listing import Listing
from core_sync.outbox.margins import margins_of
from core_sync.outbox.rules import LOSS_MAX, urgency_of
from core_sync.outbox.tables import PushIntent

_LISTINGS = f"""
SELECT i.intent_id, i.channel, i.sku, i.quantity, i.at_stake, {MAY_SHOW}
FROM {{keys}} CROSS JOIN channel c CROSS JOIN push_intent i WHERE i.channel = c.channel AND i.sku = k.k0
ORDER BY i.intent_id
"""
_TELL = (
    "UPDATE push_intent SET at_stake = ?, urgency = ? WHERE intent_id = ?"
    "||UPDATE push_intent i SET at_stake = r.at_stake, urgency = r.urgency FROM {rows} WHERE i.intent_id = r.intent_id"
)


def tell_stakes(connection: Connection, skus: Collection[str], losses: Mapping[Listing, Decimal]) -> int:
    """Order the listings of ``skus`` by what open cases expect to lose on them; returns how many changed.

    Args:
        connection: a transaction of its own: the listings are locked until it ends.
        skus: whose cases were priced; a listing of theirs that ``losses`` does not name loses nothing.
        losses: money in the reporting currency.
    """
    bulk = Bulk(connection)
    locking = "" if bulk.is_sqlite else "FOR UPDATE OF i"
    known = bulk.rows(f"{_LISTINGS} {locking}", ("text",), sorted(skus))
    margins = margins_of(bulk, {sku for _, _, sku, *_ in known})
    penalties = {one.channel: one.oversell_penalty or 0 for one in selling_channels(connection)}
    rows = []
    for intent_id, channel, sku, quantity, before, *may_show in known:
        loss = losses.get(Listing(channel, sku), Decimal(0))
        at_stake = min(LOSS_MAX, max(0, to_ten_thousandths(loss)))
        if at_stake != before:
            margin, penalty = margins.get(sku, 0), penalties.get(channel, 0)
            urgency = urgency_of(quantity, largest(may_show), margin, penalty, at_stake)
            rows.append((at_stake, urgency, intent_id))
    bulk.execute(_TELL, PushIntent, ("at_stake", "urgency", "intent_id"), rows)
    return len(rows)
