"""Who believes what: the stock that is there, what was told of it, and what each system made of that.

All figures are whole stock-keeping units by SKU and location index. ``told`` is what sound, deduplicated
messages add up to (a ledger that works); the ERP posts in runs and may be kept from it.
"""

from dataclasses import dataclass, field


def _nothing(skus: int, locations: int) -> list[list[int]]:
    return [[0] * locations for _ in range(skus)]


@dataclass(slots=True)
class Book:
    """On hand, allocated and held, by SKU and location."""

    on_hand: list[list[int]]
    allocated: list[list[int]]
    hold: list[list[int]]

    @classmethod
    def empty(cls, skus: int, locations: int) -> "Book":
        """A book in which nothing stands yet."""
        return cls(*(_nothing(skus, locations) for _ in range(3)))

    def add(self, sku: int, location: int, on_hand: int, allocated: int = 0, hold: int = 0) -> None:
        """Add differences to one position."""
        self.on_hand[sku][location] += on_hand
        self.allocated[sku][location] += allocated
        self.hold[sku][location] += hold

    def free_at(self, sku: int, location: int) -> int:
        """Units at one location that nobody has a claim on."""
        return self.on_hand[sku][location] - self.allocated[sku][location] - self.hold[sku][location]

    def free(self, sku: int) -> int:
        """Units over all locations that nobody has a claim on."""
        return sum(self.on_hand[sku]) - sum(self.allocated[sku]) - sum(self.hold[sku])


@dataclass(slots=True)
class Erp:
    """The ERP's on hand; ``waiting`` is told to it and not posted; ``clean`` is it without any fault."""

    on_hand: list[list[int]]
    waiting: list[list[int]]
    clean: list[list[int]]
    clean_waiting: list[list[int]]
    waiting_since: dict[tuple[int, int], int] = field(default_factory=dict)
    stopped: dict[tuple[int, int], object] = field(default_factory=dict)
    """Positions whose posting is stopped, and the fault that does it."""
    stopped_locations: dict[int, object] = field(default_factory=dict)
    unposted_clean: set[tuple[int, int]] = field(default_factory=set)

    @classmethod
    def empty(cls, skus: int, locations: int) -> "Erp":
        """An ERP in which nothing stands yet."""
        return cls(
            on_hand=_nothing(skus, locations),
            waiting=_nothing(skus, locations),
            clean=_nothing(skus, locations),
            clean_waiting=_nothing(skus, locations),
        )

    def tell(self, sku: int, location: int, on_hand: int, now: int) -> None:
        """Queue a difference for the next posting run."""
        if on_hand:
            self.waiting[sku][location] += on_hand
            self.waiting_since.setdefault((sku, location), now)

    def tell_clean(self, sku: int, location: int, on_hand: int) -> None:
        """Queue what a faultless world would have queued."""
        if on_hand:
            self.clean_waiting[sku][location] += on_hand
            self.unposted_clean.add((sku, location))

    def post(self) -> set[int]:
        """Post what waits and is not stopped; returns the SKUs whose figures changed."""
        changed = set()
        for sku, location in self.unposted_clean:
            self.clean[sku][location] += self.clean_waiting[sku][location]
            self.clean_waiting[sku][location] = 0
            changed.add(sku)
        self.unposted_clean.clear()
        for key in [key for key in self.waiting_since if not (key in self.stopped or key[1] in self.stopped_locations)]:
            sku, location = key
            self.on_hand[sku][location] += self.waiting[sku][location]
            self.waiting[sku][location] = 0
            del self.waiting_since[key]
            changed.add(sku)
        return changed
