"""How much a channel may promise of one SKU: pure.

``promise = max(0, ⌊Σ over locations(available) × share⌋ − buffer) + allotment``, where
``available = on_hand − allocated − quality_hold − safety_stock`` of a location. An allotment is stock
already reserved for the channel's account, so it is allocated and no longer in ``available``.
All quantities are whole stock-keeping units; a share is in ten-thousandths.
"""

from dataclasses import dataclass

WHOLE_SHARE = 10_000


@dataclass(frozen=True, slots=True)
class LocationStock:
    """What one location holds of a SKU, over all its lots."""

    location: str
    on_hand: int
    allocated: int
    quality_hold: int
    safety_stock: int

    @property
    def available(self) -> int:
        """Units that nobody has a claim on; negative where more is claimed than is there."""
        return self.on_hand - self.allocated - self.quality_hold - self.safety_stock


@dataclass(frozen=True, slots=True)
class ChannelTerms:
    """What a channel's rule and its account add to the sum; ``rule_version`` is None without a rule."""

    share_ten_thousandths: int = WHOLE_SHARE
    buffer: int = 0
    allotment: int = 0
    rule_version: int | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """What one channel may promise of one SKU, with every term behind it."""

    sku: str
    channel: str
    quantity: int
    locations: tuple[LocationStock, ...]
    terms: ChannelTerms

    @property
    def available(self) -> int:
        """Sum of what is available over the locations."""
        return sum(stock.available for stock in self.locations)

    @property
    def shortfall(self) -> int:
        """Units by which claims exceed stock after share and buffer; what clipping at zero would hide."""
        return max(0, -free_after_share(self.available, self.terms))


def free_after_share(available: int, terms: ChannelTerms) -> int:
    """The channel's share of ``available`` less its buffer; may be negative."""
    return available * terms.share_ten_thousandths // WHOLE_SHARE - terms.buffer


def promised_quantity(available: int, terms: ChannelTerms) -> int:
    """Units the channel may promise, never negative."""
    return max(0, free_after_share(available, terms)) + terms.allotment


def promise(sku: str, channel: str, locations: tuple[LocationStock, ...], terms: ChannelTerms) -> Promise:
    """The promise of one SKU on one channel."""
    quantity = promised_quantity(sum(stock.available for stock in locations), terms)
    return Promise(sku, channel, quantity, locations, terms)
