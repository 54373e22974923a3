"""The two documents that a stock connector sends to a Shopify-like shop, and the answers to them."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from core_sync.channels.http import understood

SET = """
mutation SetAvailable($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { field message code }
  }
}
"""

READ = """
query Available($query: String!, $first: Int!, $after: String, $location: ID!) {
  inventoryItems(first: $first, after: $after, query: $query) {
    nodes { id sku inventoryLevel(locationId: $location) { quantities(names: ["available"]) { name quantity } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

_PLAIN = re.compile(r"[\w.-]+")

T = TypeVar("T")


class UserError(msgspec.Struct):
    """Why the mutation did nothing; ``field`` leads to the figure, e.g. ``input.quantities.0.quantity``."""

    message: str = ""
    code: str | None = None
    field: list[str] | None = None

    def place(self) -> int | None:
        """The index of the figure that is wrong; None where it is about the whole."""
        for before, after in zip(self.field or (), (self.field or [])[1:], strict=False):
            if before == "quantities" and after.isdecimal():
                return int(after)
        return None


class _Named(msgspec.Struct):
    id: str


class SetOutcome(msgspec.Struct, rename="camel"):
    """What the mutation answered."""

    inventory_adjustment_group: _Named | None = None
    user_errors: list[UserError] = []


class SetData(msgspec.Struct, rename="camel"):
    """The data of an answer to ``SET``."""

    inventory_set_quantities: SetOutcome


class _Quantity(msgspec.Struct):
    name: str
    quantity: int


class _Level(msgspec.Struct):
    quantities: list[_Quantity]


class Item(msgspec.Struct, rename="camel"):
    """One inventory item; its id is text, since it exceeds what a float holds."""

    id: str
    sku: str | None
    inventory_level: _Level | None

    def available(self) -> int | None:
        """Units for sale; None where the item is not stocked at the location."""
        quantities = self.inventory_level.quantities if self.inventory_level else []
        return next((one.quantity for one in quantities if one.name == "available"), None)


class _PageInfo(msgspec.Struct, rename="camel"):
    has_next_page: bool
    end_cursor: str | None


class ItemPage(msgspec.Struct, rename="camel"):
    """One page of items."""

    nodes: list[Item]
    page_info: _PageInfo


class ReadData(msgspec.Struct, rename="camel"):
    """The data of an answer to ``READ``."""

    inventory_items: ItemPage


class _Bucket(msgspec.Struct, rename="camel"):
    maximum_available: float = 0.0
    currently_available: float = 0.0
    restore_rate: float = 0.0


class Cost(msgspec.Struct, rename="camel"):
    """What the shop says of its cost bucket with every answer, in points."""

    requested_query_cost: float = 0.0
    throttle_status: _Bucket = msgspec.field(default_factory=_Bucket)

    def restored_in_s(self) -> float | None:
        """Seconds until the bucket holds enough for the same request again; None where that is not told."""
        bucket = self.throttle_status
        if bucket.restore_rate <= 0:
            return None
        return max(0.0, (self.requested_query_cost - bucket.currently_available) / bucket.restore_rate)


class _Extensions(msgspec.Struct):
    cost: Cost | None = None


class _ErrorExtensions(msgspec.Struct):
    code: str | None = None


class GraphqlError(msgspec.Struct):
    """An error about the document as a whole."""

    message: str = ""
    extensions: _ErrorExtensions = msgspec.field(default_factory=_ErrorExtensions)


class _Reply(msgspec.Struct):
    errors: list[GraphqlError] | dict[str, Any] | str | None = None
    extensions: _Extensions | None = None


def errors_in(body: Any) -> list[GraphqlError]:
    """The errors of an answer, whichever of its three shapes they have; none where it has none or is no answer."""
    told = understood(body, _Reply)
    match told.errors if told else None:
        case list() as errors:
            return errors
        case str() as message:
            return [GraphqlError(message)]
        case dict() as fields:
            return [GraphqlError(f"{name}: {why}") for name, why in fields.items()]
        case _:
            return []


def cost_in(body: Any) -> Cost | None:
    """What an answer says of the cost bucket."""
    told = understood(body, _Reply)
    return told.extensions.cost if told and told.extensions else None


def data_in(body: Any, shape: type[T]) -> T | None:
    """The data of an answer; None where it has not the shape."""
    return understood(body.get("data"), shape) if isinstance(body, dict) else None


def search_for(skus: Sequence[str]) -> str:
    """SKUs in the shop's search language."""
    return " OR ".join(_term(sku) for sku in skus)


def _term(sku: str) -> str:
    """One SKU; quoted where it holds more than letters, digits and ``_.-``."""
    if _PLAIN.fullmatch(sku):
        return f"sku:{sku}"
    escaped = sku.replace("\\", "\\\\").replace('"', '\\"')
    return f'sku:"{escaped}"'
