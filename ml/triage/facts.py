"""What a row of a failure or an anomaly says of quantities. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.triage.frozen import NO_ARRIVALS, Arrivals
from ml.triage.stakes import LEDGER, SignalFacts, effect_of

UNKNOWN_NAME, UNKNOWN_UNIT = "unmapped_sku", "uom_mismatch"
"""Error codes of events that the ledger holds because it does not know a name, or how much a unit is."""

Name = tuple[str, str]
"""A system, and what it calls a SKU."""


def effects_of_unknown(rows: Sequence[Mapping[str, Any]]) -> dict[Name, int]:
    """What all events of each unknown name would do to available stock: together they are one figure that is wrong."""
    found: dict[Name, int] = {}
    once = {row["signal_id"]: row for row in rows if _is_unknown(row)}
    for row in once.values():
        units = 0 if row["is_reserved"] else row["quantity"] or 0
        found[_name(row)] = found.get(_name(row), 0) + effect_of(row["operation"], units)
    return found


def facts_of(row: Mapping[str, Any], unknown: Mapping[Name, int], arrivals: Mapping[str, Arrivals]) -> SignalFacts:
    """The row's facts; ``unknown`` is what ``effects_of_unknown`` gives, ``arrivals`` by SKU."""
    return SignalFacts(
        kind=row["kind"],
        sku=row.get("meant_sku") or row["sku"] or "",
        channel=row["channel"] or "",
        location=row["location"] or "",
        operation=row.get("operation") or "",
        error_code=row.get("error_code") or "",
        quantity=_units(row, arrivals),
        expected=row.get("expected"),
        actual=row.get("actual"),
        winner=row.get("winner") or "",
        believed=row.get("believed"),
        state=row.get("state") or "",
        root_cause=row.get("root_cause") or "",
        first_quantity=row.get("first_quantity"),
        effect=unknown.get(_name(row)) if _is_unknown(row) else None,
        is_reserved=bool(row.get("is_reserved")),
        subclass=row.get("subclass") or "",
        document=row.get("document") or "",
    )


def _is_unknown(row: Mapping[str, Any]) -> bool:
    return row.get("error_code") == UNKNOWN_NAME and (row.get("operation") or "").startswith(LEDGER)


def _name(row: Mapping[str, Any]) -> Name:
    return row["system"] or "", row["sku"] or ""


def _units(row: Mapping[str, Any], arrivals: Mapping[str, Arrivals]) -> int | None:
    """Units of the row; of an unknown unit as many as the SKU's smallest pack, else as usually come at once."""
    quantity: int | None = row.get("quantity")
    if quantity is None or row.get("error_code") != UNKNOWN_UNIT:
        return quantity
    if row.get("pack"):
        return quantity * int(row["pack"])
    return max(quantity, round(arrivals.get(row["sku"], NO_ARRIVALS).units))
