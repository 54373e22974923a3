"""The state of a simulated shop: what it shows, its cost bucket, and the idempotency keys that it saw."""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from simulation.peers.bucket import Bucket
from simulation.peers.conduct import Conduct
from simulation.peers.shelf import Shelf

ITEM = "gid://shopify/InventoryItem/"
LOCATION = "gid://shopify/Location/1"
QUANTITY_MAX = 1_000_000_000

Outcome = dict[str, Any]
"""What the mutation answered: an ``inventoryAdjustmentGroup`` or ``userErrors``."""


@lru_cache(maxsize=1_000_000)
def item_id(sku: str) -> str:
    """The shop's own name for a SKU: a number beyond 2^53 and odd, which no float can hold."""
    digest = int.from_bytes(hashlib.sha256(sku.encode()).digest()[:7])
    return f"{ITEM}{2**53 + digest | 1}"


@dataclass
class Shop:
    """``held_back`` was accepted and is not shown; a page of a read has ``page_size`` items at most."""

    shelf: Shelf
    bucket: Bucket
    conduct: Conduct
    page_size: int
    held_back: dict[str, tuple[int, str]] = field(default_factory=dict)
    keys: dict[str, tuple[str, Outcome]] = field(default_factory=dict)
    twins: dict[str, str] = field(default_factory=dict)
    """Ids of further items that have the SKU of one that is listed."""
    _skus: dict[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> dict[str, int]:
        """Available units by SKU."""
        return self.shelf.shown

    def sku_of(self, item: str) -> str | None:
        """The SKU behind the shop's own name for it; None where it is not listed."""
        if item not in self._skus:
            self._skus = {item_id(sku): sku for sku in self.shown}
        sku = self._skus.get(item)
        return sku if sku in self.shown else None

    def settle(self) -> int:
        """Show what was accepted and held back."""
        count = len(self.held_back)
        for sku, (quantity, source) in self.held_back.items():
            self.shelf.set(sku, quantity, source)
        self.held_back.clear()
        return count
