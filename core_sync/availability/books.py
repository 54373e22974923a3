"""What promises are made of, read by sets: stock by location, each channel's terms, kits.

Every batch of the ledger reads this, most of them for one SKU or two; hence statements at driver level, which
PostgreSQL is sent in one round trip.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core_sync.availability.kits import NO_KITS, Kits, kit_available
from core_sync.availability.rules import NO_RULE, ChannelTerms, LocationStock, SellingChannel
from core_sync.clock import to_microseconds
from core_sync.database.bulk import Bulk, Question
from core_sync.ledger.claims import ALLOTMENT

Terms = Mapping[tuple[str, str], ChannelTerms]
"""By (channel, SKU); the SKU is empty for what holds for all."""

_TEXT = ("text",)

# A position whose opening stock is unknown tells differences only.
_STOCK = """
SELECT p.sku, p.location, sum(p.on_hand) AS on_hand, sum(p.allocated) AS allocated,
       sum(p.quality_hold) AS quality_hold, coalesce(max(s.quantity), 0) AS safety_stock
FROM {keys} CROSS JOIN position p
LEFT JOIN safety_stock s ON s.sku = p.sku AND s.location = p.location
WHERE p.sku = k.k0 AND p.relative IS FALSE
GROUP BY p.sku, p.location
"""

_RULES = """
SELECT r.version, r.channel, r.sku, r.share_ten_thousandths, r.buffer, r.shortage_below
FROM {keys} CROSS JOIN channel c CROSS JOIN channel_rule r
WHERE r.channel = c.channel AND r.sku = k.k0 AND r.valid_from <= ? AND (r.valid_until IS NULL OR r.valid_until > ?)
ORDER BY r.version
"""

_ALLOTMENTS = """
SELECT c.channel, p.sku, sum(i.open_quantity) AS quantity
FROM {keys} CROSS JOIN channel c CROSS JOIN position p CROSS JOIN open_item i
WHERE c.account IS NOT NULL AND p.sku = k.k0 AND i.position_id = p.position_id AND i.kind = 'reservation'
  AND i.reference = ? || c.account AND i.open_quantity > 0
GROUP BY c.channel, p.sku
"""


@dataclass(frozen=True, slots=True)
class Books:
    """Everything behind the promises of some SKUs, and of the kits made of them."""

    stock: Mapping[str, Sequence[LocationStock]]
    terms: Terms
    kits: Kits = NO_KITS

    def available(self) -> dict[str, dict[str, int]]:
        """Units available by SKU and location; a kit's are those that can be put together."""
        found = {sku: {place.location: place.available for place in places} for sku, places in self.stock.items()}
        for kit, parts in self.kits.parts.items():
            own = found.get(kit, {})
            whole = kit_available(parts, found)
            found[kit] = {place: own.get(place, 0) + whole.get(place, 0) for place in {*own, *whole}}
        return found


def read_books(
    bulk: Bulk, skus: Collection[str], at: datetime, channels: Sequence[SellingChannel], kits: Kits
) -> Books:
    """The books of ``skus`` and of what ``kits`` are made of, as of now under the terms of ``at``."""
    wanted = list({*skus, *kits.components}) if kits.parts else list(skus)
    questions = [Question(_STOCK, _TEXT, wanted), _rules(skus, at)]
    if any(one.account is not None for one in channels):
        questions.append(_allotments(skus))
    stock_rows, rule_rows, *allotted = bulk.ask(*questions)
    stock: dict[str, list[LocationStock]] = {}
    for sku, location, *units in stock_rows:
        stock.setdefault(sku, []).append(LocationStock(location, *map(int, units)))
    return Books(stock, _terms(rule_rows, allotted[0] if allotted else ()), kits)


def read_terms(bulk: Bulk, skus: Collection[str], at: datetime) -> Terms:
    """Each channel's terms for ``skus``; of its rules the newest valid version holds."""
    rule_rows, allotted = bulk.ask(_rules(skus, at), _allotments(skus))
    return _terms(rule_rows, allotted)


def terms_of(sku: str, channels: Sequence[SellingChannel], terms: Terms) -> list[ChannelTerms]:
    """The terms of one SKU on each channel, in their order."""
    return [terms_for(terms, one.channel, sku) for one in channels]


def terms_for(terms: Terms, channel: str, sku: str) -> ChannelTerms:
    """The terms of ``sku`` on ``channel``: its own, else what the channel has for all, else ``NO_RULE``."""
    return terms.get((channel, sku), terms.get((channel, ""), NO_RULE))


def _rules(skus: Collection[str], at: datetime) -> Question:
    moment = to_microseconds(at)
    return Question(_RULES, _TEXT, ["", *skus], (moment, moment))


def _allotments(skus: Collection[str]) -> Question:
    return Question(_ALLOTMENTS, _TEXT, list(skus), (ALLOTMENT,))


def _terms(rules: Iterable[Sequence[Any]], allotted: Iterable[Sequence[Any]]) -> dict[tuple[str, str], ChannelTerms]:
    terms: dict[tuple[str, str], ChannelTerms] = {}
    for version, channel, sku, share, buffer, shortage_below in rules:
        terms[channel, sku] = ChannelTerms(share, buffer, 0, version, shortage_below)
    for channel, sku, quantity in allotted:
        known = terms_for(terms, channel, sku)
        terms[channel, sku] = replace(known, allotment=int(quantity))
    return terms
