"""What a page of the console was asked to show of the worklist: fields of its address, and what they mean."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from core_sync.cases.narrow import Filter
from core_sync.cases.order import Order
from core_sync.cases.rules import ON_THE_LIST, Status

NARROWED_BY = ("status", "root_cause", "sku", "location", "channel", "owner", "abstained", "search", "order")
"""The fields that say what the list shows, and in which order."""

OF_THE_LIST = "list"
"""The field of a case's address that says which list, and which page of it, it was opened from."""


def kept(wanted: Mapping[str, str]) -> dict[str, str]:
    """The fields that say something."""
    return {name: value for name, value in wanted.items() if value}


def asked_list(said: str) -> dict[str, str]:
    """The fields of the list that ``said``, the query of its address, names; what is none of them is left out."""
    told = dict(parse_qsl(said))
    return kept({name: told.get(name, "") for name in (*NARROWED_BY, "cursor")})


def from_list(wanted: Mapping[str, str]) -> str:
    """What a case's address ends with, so that the way back leads to the same page of the list."""
    return f"?{urlencode({OF_THE_LIST: urlencode(wanted)})}" if wanted else ""


def asked_filter(wanted: Mapping[str, str]) -> Filter:
    """What the fields narrow the list to."""
    named = {name: wanted.get(name) or None for name in ("root_cause", "sku", "location", "channel", "owner", "search")}
    undecided = {"yes": True, "no": False}.get(wanted.get("abstained", ""))
    return Filter(statuses=_statuses(wanted.get("status", "")), abstained=undecided, **named)


def asked_order(wanted: Mapping[str, str]) -> Order:
    """What stands first."""
    said = wanted.get("order", "")
    return Order(said) if said in set(Order) else Order.LOSS


def _statuses(said: str) -> tuple[Status, ...]:
    if said == "all":
        return ()
    named = tuple(Status(one) for one in said.split(",") if one in set(Status))
    return named or ON_THE_LIST
