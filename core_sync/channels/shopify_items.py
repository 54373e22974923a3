"""What a Shopify-like shop calls its items, and what it shows of them, page by page."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core_sync.channels.batches import chunks
from core_sync.channels.http import Answer, not_read, unreadable
from core_sync.channels.port import Rejected, Unknown
from core_sync.channels.shopify_graphql import ItemPage, ReadData, data_in, search_for

SKUS_PER_READ = 50
_PAGES_MAX = 1_000

Ask = Callable[[Mapping[str, Any]], Answer | Rejected | Unknown]
"""Sends one read with these variables."""


class Items:
    """The items of one location, as far as they were looked for.

    ``ids`` names the item of each SKU. A shop does not keep two items from having one SKU; such a SKU is in
    ``ambiguous`` and has no id, since nobody knows which of them is meant.
    """

    def __init__(self, location: str) -> None:
        self.ids: dict[str, str] = {}
        self.ambiguous: set[str] = set()
        self._location = location

    def look(self, skus: Sequence[str], ask: Ask) -> dict[str, int]:
        """Available units by SKU; those that are not listed, or ambiguous, are left out.

        Raises:
            ReadFailed: no whole answer came.
        """
        shown: dict[str, int] = {}
        for batch in chunks(list(dict.fromkeys(skus)), SKUS_PER_READ):
            for sku, items in self._found(batch, ask).items():
                self.ambiguous.discard(sku)
                if len(items) == 1:
                    [(self.ids[sku], shown[sku])] = items.items()
                else:
                    self.ambiguous.add(sku)
                    self.ids.pop(sku, None)
        return shown

    def _found(self, skus: Sequence[str], ask: Ask) -> Mapping[str, Mapping[str, int]]:
        """Available units by item by SKU; the shop's search also finds likenesses, which are passed over."""
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        after: str | None = None
        for _ in range(_PAGES_MAX):
            page = self._page(skus, after, ask)
            for node in page.nodes:
                sku, available = node.sku, node.available()
                if sku is not None and sku in skus and available is not None:
                    found[sku][node.id] = available
            after = page.page_info.end_cursor
            if not page.page_info.has_next_page or after is None:
                break
        return found

    def _page(self, skus: Sequence[str], after: str | None, ask: Ask) -> ItemPage:
        variables = {"query": search_for(skus), "first": len(skus), "after": after, "location": self._location}
        answer = ask(variables)
        if not isinstance(answer, Answer):
            raise not_read(answer)
        data = data_in(answer.body, ReadData)
        if data is None:
            raise not_read(unreadable(answer))
        return data.inventory_items
