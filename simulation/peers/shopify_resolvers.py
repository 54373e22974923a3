"""What a simulated shop does for a document: find items, and set quantities wholly or not at all."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo
from graphql.execution import get_directive_values

from simulation.peers.faults import Fault
from simulation.peers.shopify_shop import ITEM, LOCATION, QUANTITY_MAX, Outcome, Shop, item_id

_TERM = re.compile(r'sku:(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s"]+))')


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What the resolvers of one request know."""

    shop: Shop
    fault: Fault | None


def skus_named(shop: Shop, variables: Mapping[str, Any], *, writes: bool) -> list[str]:
    if not writes:
        return searched_skus(str(variables.get("query") or ""))
    return [shop.sku_of(item) or item for item, _ in _asked(variables)]


def _asked(variables: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Item and quantity of each figure of a mutation, as far as the variables can be understood."""
    asked = variables.get("input")
    quantities = asked.get("quantities") if isinstance(asked, dict) else None
    told = [one for one in quantities or () if isinstance(one, dict)]
    return [(str(one.get("inventoryItemId")), one.get("quantity")) for one in told]


def note_figures(shop: Shop, variables: Mapping[str, Any], fault: Fault | None, *, applied: bool) -> None:
    for item, quantity in _asked(variables):
        subject = shop.sku_of(item) or item
        key = str(variables.get("key") or "")
        shop.conduct.note("inventorySetQuantities", subject, quantity, key, fault, applied=applied)


def searched_skus(query: str) -> list[str]:
    """The SKUs of a search such as ``sku:A OR sku:"B 1"``; in quotes a backslash escapes the next sign."""
    found = _TERM.finditer(query)
    return [term["plain"] or re.sub(r"\\(.)", r"\1", term["quoted"] or "") for term in found]


def _inventory_items(
    info: GraphQLResolveInfo[Any], query: str | None = None, first: int | None = None, after: str | None = None
) -> dict[str, Any]:
    """The items found, by the order of their ids, ``page_size`` of them at most."""
    context: RequestContext = info.context
    listed = [sku for sku in set(searched_skus(query or "")) if sku in context.shop.shown]
    twins = context.shop.twins
    found = sorted([(item_id(sku), sku) for sku in listed] + [(twins[sku], sku) for sku in listed if sku in twins])
    ahead = [one for one in found if one[0] > (after or "")]
    page = ahead[: min(first or context.shop.page_size, context.shop.page_size)]
    return {
        "nodes": [_item(context, item, sku) for item, sku in page],
        "pageInfo": {"endCursor": page[-1][0] if page else None, "hasNextPage": len(ahead) > len(page)},
    }


def _item(context: RequestContext, item: str, sku: str) -> dict[str, Any]:
    shelf, clock = context.shop.shelf, context.shop.conduct.clock
    changed = clock.moment_at(shelf.changed_s.get(sku, 0.0)).isoformat()

    def level(_: GraphQLResolveInfo[Any], locationId: str) -> dict[str, Any] | None:  # noqa: N803  # the API's name
        if locationId != LOCATION:
            return None
        units = {"available": shelf.told(sku, context.fault)}

        def quantities(_: GraphQLResolveInfo[Any], names: list[str]) -> list[dict[str, Any]]:
            return [{"name": name, "quantity": units.get(name, 0), "updatedAt": changed} for name in names]

        return {"id": f"gid://shopify/InventoryLevel/1?inventory_item_id={item}", "quantities": quantities}

    return {"id": item, "legacyResourceId": item.removeprefix(ITEM), "sku": sku, "inventoryLevel": level}


def _set_quantities(info: GraphQLResolveInfo[Any], input: dict[str, Any]) -> Outcome:  # noqa: A002  # the API's name
    """Set all the quantities or none; the same key and content gives the same outcome without a second effect."""
    context: RequestContext = info.context
    shop, fault = context.shop, context.fault
    directive = info.schema.get_directive("idempotent")
    assert directive is not None  # it stands in the schema
    told_key = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    if told_key is None:
        raise GraphQLError("The @idempotent directive is required for this mutation.")
    key, told = str(told_key["key"]), json.dumps(input, sort_keys=True)
    outcome, applied = _known(shop, key, told), False
    if outcome is None:
        outcome = _checked(shop, input)
        applied = not outcome["userErrors"] and (fault is None or not fault.holds_back)
        if not outcome["userErrors"]:
            source = input.get("referenceDocumentUri") or key
            for one in input["quantities"]:
                sku = shop.sku_of(one["inventoryItemId"])
                assert sku is not None  # it was checked
                if applied:
                    shop.shelf.set(sku, one["quantity"], source)
                else:
                    shop.held_back[sku] = (one["quantity"], source)
        shop.keys[key] = (told, outcome)
    note_figures(shop, {"input": input, "key": key}, fault, applied=applied)
    return outcome


def _known(shop: Shop, key: str, told: str) -> Outcome | None:
    """What is answered to a key that was used before."""
    if key not in shop.keys:
        return None
    before, outcome = shop.keys[key]
    if before != told:
        return _errors("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", None, "The key was used for other content.")
    if outcome["userErrors"]:
        return _errors("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", None, "The request with this key failed before.")
    shop.conduct.repeats += 1
    return outcome


def _checked(shop: Shop, asked: Mapping[str, Any]) -> Outcome:
    errors = [
        error
        for place, one in enumerate(asked["quantities"])
        for error in _wrong(shop, ["input", "quantities", str(place)], one)
    ]
    items = [one["inventoryItemId"] for one in asked["quantities"]]
    if asked["name"] != "available":
        errors.append(_error("INVALID_NAME", ["input", "name"], "The quantity name must be available."))
    if len(set(items)) < len(items):
        message = "Each inventory item stands once."
        errors.append(_error("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", ["input", "quantities"], message))
    if errors:
        return {"inventoryAdjustmentGroup": None, "userErrors": errors}
    group = {"id": f"gid://shopify/InventoryAdjustmentGroup/{len(shop.keys) + 1}", "reason": asked["reason"]}
    return {"inventoryAdjustmentGroup": group, "userErrors": []}


def _wrong(shop: Shop, path: list[str], one: Mapping[str, Any]) -> list[dict[str, Any]]:
    sku = shop.sku_of(one["inventoryItemId"])
    if sku is None:
        return [_error("INVALID_INVENTORY_ITEM", [*path, "inventoryItemId"], "There is no such inventory item.")]
    if one["locationId"] != LOCATION:
        return [_error("INVALID_LOCATION", [*path, "locationId"], "There is no such location.")]
    if one["quantity"] < 0:
        return [_error("INVALID_QUANTITY_NEGATIVE", [*path, "quantity"], "The quantity must be 0 or more.")]
    if one["quantity"] > QUANTITY_MAX:
        return [_error("INVALID_QUANTITY_TOO_HIGH", [*path, "quantity"], "The quantity is too high.")]
    if "changeFromQuantity" in one and one["changeFromQuantity"] not in (None, shop.shown[sku]):
        message = "The quantity compared with is not the quantity stored."
        return [_error("CHANGE_FROM_QUANTITY_STALE", [*path, "changeFromQuantity"], message)]
    return []


def _error(code: str, path: list[str] | None, message: str) -> dict[str, Any]:
    return {"code": code, "field": path, "message": message}


def _errors(code: str, path: list[str] | None, message: str) -> Outcome:
    return {"inventoryAdjustmentGroup": None, "userErrors": [_error(code, path, message)]}


ROOT = {
    "inventoryItems": _inventory_items,
    "inventorySetQuantities": _set_quantities,
}
