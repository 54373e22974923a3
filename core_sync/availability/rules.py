"""How much each channel may promise of one SKU: pure.

``promise = max(0, ⌊Σ over locations(available) × share⌋ − buffer) + allotment``, where
``available = on_hand − allocated − quality_hold − safety_stock`` of a location. An allotment is stock
already reserved for the channel's account, so it is allocated and no longer in ``available``.
All quantities are whole stock-keeping units; a share is in ten-thousandths.

Shares may overlap: several channels may show the same unit. In a *shortage*, when fewer units are left than
the shortage level and the channels' claims exceed them, each unit is promised once only: the channel with the
first priority takes what it claims, then the next (docs/decisions/each-unit-once-in-a-shortage.md).
"""

from collections.abc import Collection, Mapping, Sequence
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
class KitPart:
    """One component of a kit: how many units go into one, and where they lie."""

    component: str
    units: int
    locations: tuple[LocationStock, ...]


@dataclass(frozen=True, slots=True)
class ChannelTerms:
    """What a channel's rule and its account add to the sum; ``rule_version`` is None without a rule.

    Below ``shortage_below`` units each unit is promised once; None: below one unit for each claiming channel.
    """

    share_ten_thousandths: int = WHOLE_SHARE
    buffer: int = 0
    allotment: int = 0
    rule_version: int | None = None
    shortage_below: int | None = None


NO_RULE = ChannelTerms()
"""The terms of a channel that nobody wrote a rule for."""


@dataclass(frozen=True, slots=True)
class SellingChannel:
    """A channel as far as promising goes.

    Args:
        priority: the smallest takes first in a shortage.
        oversell_penalty: ten-thousandths of money for a unit sold that is not there; of two channels with one
            priority the one with the smaller penalty goes first, since a SKU's margin is the same on both.
        locations: the locations that serve it; None: all of them.
    """

    channel: str
    priority: int = 100
    oversell_penalty: int | None = None
    account: str | None = None
    locations: frozenset[str] | None = None

    @property
    def rank(self) -> tuple[int, int, str]:
        """Who goes first in a shortage."""
        return self.priority, self.oversell_penalty or 0, self.channel

    def meets(self, other: "SellingChannel") -> bool:
        """Whether some location may serve both."""
        return self.locations is None or other.locations is None or not self.locations.isdisjoint(other.locations)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one channel claimed and was granted in a shortage; ``taken`` by channels before it that share a location."""

    channel: str
    priority: int
    oversell_penalty: int | None
    claimed: int
    taken: int
    granted: int


@dataclass(frozen=True, slots=True)
class Shortage:
    """Fewer than ``level`` units are ``available``, and the channels claim more than that; ``grants`` by rank."""

    available: int
    level: int
    grants: tuple[Grant, ...]

    def granted(self, channel: str) -> int:
        """What ``channel`` may show of what is left."""
        return next((grant.granted for grant in self.grants if grant.channel == channel), 0)


@dataclass(frozen=True, slots=True)
class Promise:
    """What one channel may promise of one SKU, with every term behind it.

    Of a kit, ``locations`` tell how many can be put together, and ``parts`` what of.
    """

    sku: str
    channel: str
    quantity: int
    locations: tuple[LocationStock, ...]
    terms: ChannelTerms
    shortage: Shortage | None = None
    parts: tuple[KitPart, ...] = ()

    @property
    def available(self) -> int:
        """Sum of what is available over the locations that serve the channel."""
        return sum(stock.available for stock in self.locations)

    @property
    def free(self) -> int:
        """The share of what is available less the buffer; may be negative."""
        return free_after_share(self.available, self.terms)

    @property
    def shortfall(self) -> int:
        """Units by which claims exceed stock after share and buffer; what clipping at zero would hide."""
        return max(0, -self.free)

    @property
    def withheld(self) -> int:
        """Units that the shortage leaves to other channels."""
        return max(0, self.free) + self.terms.allotment - self.quantity


def free_after_share(available: int, terms: ChannelTerms) -> int:
    """The channel's share of ``available`` less its buffer; may be negative."""
    return available * terms.share_ten_thousandths // WHOLE_SHARE - terms.buffer


def promised_quantity(available: int, terms: ChannelTerms) -> int:
    """Units the channel may promise where there is no shortage, never negative."""
    return max(0, free_after_share(available, terms)) + terms.allotment


def served(channel: SellingChannel, available: Mapping[str, int]) -> int:
    """Units available, by location, over the locations that serve ``channel``."""
    if channel.locations is None:
        return sum(available.values())
    return sum(units for location, units in available.items() if location in channel.locations)


def promised_quantities(
    available: Mapping[str, int], channels: Sequence[SellingChannel], terms: Sequence[ChannelTerms]
) -> list[int]:
    """What each of ``channels`` may promise of one SKU, under ``terms`` in the same order.

    Args:
        available: units by location.
        channels: every channel that sells the SKU.
        terms: share, buffer, allotment of each.
    """
    whole = sum(available.values())
    free = [
        max(0, free_after_share(whole if one.locations is None else served(one, available), rule))
        for one, rule in zip(channels, terms, strict=True)
    ]
    # Most SKUs have plenty: the level is only asked for where the claims exceed what there is.
    if sum(free) > whole and (shortage := shortage_of(available, channels, terms, free)) is not None:
        free = [shortage.granted(one.channel) for one in channels]
    return [units + rule.allotment for units, rule in zip(free, terms, strict=True)]


def shortage_of(
    available: Mapping[str, int],
    channels: Sequence[SellingChannel],
    terms: Sequence[ChannelTerms],
    claimed: Sequence[int],
) -> Shortage | None:
    """Who gets what of a SKU that is short; None where it is not. ``claimed`` is each channel's share less its buffer.

    Together the grants never exceed what is available, nor those of any channels what the locations that serve
    them hold.
    """
    there = max(0, sum(available.values()))
    claims = [(one, rule, units) for one, rule, units in zip(channels, terms, claimed, strict=True) if units > 0]
    level = shortage_level([rule for _, rule, _ in claims])
    if there >= level or sum(units for _, _, units in claims) <= there:
        return None
    grants: list[tuple[SellingChannel, Grant]] = []
    for one, _, units in sorted(claims, key=lambda claim: claim[0].rank):
        taken = sum(grant.granted for other, grant in grants if one.meets(other))
        left = max(0, served(one, available) - taken)
        granted = min(units, left)
        grants.append((one, Grant(one.channel, one.priority, one.oversell_penalty, units, taken, granted)))
    return Shortage(there, level, tuple(grant for _, grant in grants))


def shortage_level(claiming: Collection[ChannelTerms]) -> int:
    """Units below which each is promised once: the largest that a claiming channel's rule names, else one for each."""
    named = [rule.shortage_below for rule in claiming if rule.shortage_below is not None]
    return max(named) if named else len(claiming)


def promises_of(
    sku: str,
    stock: Sequence[LocationStock],
    channels: Sequence[SellingChannel],
    terms: Sequence[ChannelTerms],
    parts: tuple[KitPart, ...] = (),
) -> list[Promise]:
    """The promises of one SKU on all of ``channels``, every term told; ``terms`` in the order of the channels."""
    available = {place.location: place.available for place in stock}
    quantities = promised_quantities(available, channels, terms)
    claimed = [
        max(0, free_after_share(served(one, available), rule)) for one, rule in zip(channels, terms, strict=True)
    ]
    shortage = shortage_of(available, channels, terms, claimed)
    return [
        Promise(sku, one.channel, quantity, _serving(one, stock), rule, shortage, parts)
        for one, quantity, rule in zip(channels, quantities, terms, strict=True)
    ]


def _serving(channel: SellingChannel, stock: Sequence[LocationStock]) -> tuple[LocationStock, ...]:
    return tuple(place for place in stock if channel.locations is None or place.location in channel.locations)
