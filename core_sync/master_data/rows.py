"""From rows of the interchange tables to rows of ours, one function a table; what a row does not say is None."""

from collections.abc import Callable, Mapping
from datetime import datetime
from fractions import Fraction
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import msgspec

from core_sync.clock import to_microseconds
from core_sync.interchange.rows import Row
from core_sync.money import to_ten_thousandths

Values = dict[str, Any]


def sku_values(row: Row) -> Values:
    """Columns of ``sku``."""
    return {
        "sku": row.text("sku"),
        "base_uom": row.text("base_uom"),
        "description": row.text("description") or None,
        "unit_price": _money(row, "unit_price"),
        "unit_cost": _money(row, "unit_cost"),
        "currency": row.text("currency") or None,
        "supplier": row.text("supplier") or None,
        "gtin": row.text("gtin") or None,
        "lot_controlled": row.flag("lot_controlled"),
        "attributes": _attributes(row),
    }


def unit_values(row: Row) -> Values:
    """Columns of ``unit_of_measure``: the factor as an exact fraction."""
    factor = Fraction(row.number("factor") or 1)
    return {
        "sku": row.text("sku"),
        "uom": row.text("uom"),
        "numerator": factor.numerator,
        "denominator": factor.denominator,
    }


def alias_values(row: Row) -> Values:
    """Columns of ``alias``."""
    return {
        "system": row.text("system"),
        "external_sku": row.text("external_sku"),
        "sku": row.text("sku"),
        "valid_from": _moment(row.moment("valid_from")),
        "valid_to": _moment(row.moment("valid_to")),
    }


def kit_values(row: Row) -> Values:
    """Columns of ``kit_component``."""
    return {
        "kit": row.text("kit"),
        "component": row.text("component"),
        "quantity": row.whole("quantity") or 1,
        "valid_from": _moment(row.moment("valid_from")),
        "valid_to": _moment(row.moment("valid_to")),
    }


def location_values(row: Row) -> Values:
    """Columns of ``location``."""
    return {
        "location": row.text("location"),
        "kind": row.text("kind") or None,
        "stock_control": row.text("stock_control") or None,
        "system": row.text("system") or None,
        "external_location": row.text("external_location") or None,
        "attributes": _attributes(row),
    }


def safety_stock_values(row: Row) -> Values:
    """Columns of ``safety_stock``."""
    return {"sku": row.text("sku"), "location": row.text("location"), "quantity": row.whole("quantity") or 0}


def rate_values(row: Row) -> Values:
    """Columns of ``rate``."""
    return {
        "currency": row.text("currency"),
        "as_of": _moment(row.moment("as_of")),
        "per_reporting_unit": to_ten_thousandths(row.number("per_reporting_unit") or 1),  # type: ignore[arg-type]  # Decimal or a whole 1
    }


def channel_values(row: Row) -> Values:
    """Columns of ``channel``; its share and buffer become a version of its rule."""
    return {
        "channel": row.text("channel"),
        "kind": row.text("kind"),
        "priority": row.whole("priority"),
        "mode": row.text("mode") or None,
        "oversell_penalty": _money(row, "oversell_penalty"),
        "chargeback": _money(row, "chargeback"),
        "chargeback_share": _ratio(row, "chargeback_share"),
        "cancel_limit": _ratio(row, "cancel_limit"),
        "cancel_days": row.whole("cancel_days"),
        "cancel_cost": _money(row, "cancel_cost"),
        "suspension_days": row.whole("suspension_days"),
        "system": row.text("system") or None,
        "account": row.attributes.get("account"),
        "attributes": _attributes(row),
    }


def channel_rule_values(row: Row, at: datetime) -> Values:
    """The channel's share, buffer and shortage level as a version of its rule, valid from ``at``; None: not said."""
    return {
        "channel": row.text("channel"),
        "sku": "",
        "share_ten_thousandths": _ratio(row, "share"),
        "buffer": row.whole("buffer"),
        "shortage_below": row.whole("shortage_below"),
        "valid_from": to_microseconds(at),
        "owner": "load",
        "reason": f"loaded from {row.record.file}",
    }


def tier_values(row: Row) -> Values:
    """Columns of ``customer_tier``."""
    return {"tier": row.text("tier"), "retention_value": _money(row, "retention_value")}


def account_values(row: Row) -> Values:
    """Columns of ``account``."""
    return {"account": row.text("account"), "tier": row.text("tier")}


def cut_off_values(row: Row) -> Values:
    """Columns of ``cut_off``."""
    return {
        "cut_off": row.text("cut_off"),
        "clock": row.text("time"),
        "zone": row.text("zone"),
        "weekdays": row.text("weekdays") or None,
        "channel": row.text("channel") or None,
        "location": row.text("location") or None,
    }


def supplier_values(row: Row) -> Values:
    """Columns of ``supplier``."""
    return {"supplier": row.text("supplier"), "attributes": _attributes(row)}


def delivery_values(row: Row) -> Values:
    """Columns of ``delivery``."""
    values: Values = {
        "supplier": row.text("supplier"),
        "sku": row.text("sku"),
        "ordered_at": _moment(row.moment("ordered_at")),
        "promised_at": _moment(row.moment("promised_at")),
        "received_at": _moment(row.moment("received_at")),
        "ordered_quantity": row.whole("ordered_quantity") or 0,
        "received_quantity": row.whole("received_quantity"),
    }
    line = msgspec.json.encode([list(values.values()), row.attributes.get("line", "")])
    return values | {"content": blake2b(line, digest_size=16).digest()}


ROW_OF: Mapping[str, Callable[[Row], Values]] = MappingProxyType(
    {
        "skus": sku_values,
        "uom": unit_values,
        "aliases": alias_values,
        "kits": kit_values,
        "locations": location_values,
        "safety_stock": safety_stock_values,
        "rates": rate_values,
        "channels": channel_values,
        "tiers": tier_values,
        "accounts": account_values,
        "cut_offs": cut_off_values,
        "suppliers": supplier_values,
        "deliveries": delivery_values,
    }
)
"""How each interchange table of master data is read."""


def _money(row: Row, column: str) -> int | None:
    amount = row.number(column)
    return to_ten_thousandths(amount) if amount is not None else None


def _ratio(row: Row, column: str) -> int | None:
    share = row.number(column)
    return to_ten_thousandths(share) if share is not None else None


def _moment(moment: datetime | None) -> int | None:
    return to_microseconds(moment) if moment is not None else None


def _attributes(row: Row) -> str | None:
    return msgspec.json.encode(dict(row.attributes)).decode() if row.attributes else None
