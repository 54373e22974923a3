"""A ledger of thirty lines, for tests: it applies events in order and says what no strict warehouse allows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Position = tuple[str, str]

ON_HAND = {"receipt": 1, "transfer_in": 1, "adjust": 1, "return_received": 1}
ON_HAND |= {"transfer_out": -1, "ship": -1, "scrap": -1}
HELD = {"return_received": 1, "hold": 1, "restock": -1, "release_hold": -1, "scrap": -1}


@dataclass
class Replay:
    """Stock after some events; ``broken`` names each event that took a state below zero."""

    on_hand: dict[Position, int] = field(default_factory=lambda: defaultdict(int))
    allocated: dict[Position, int] = field(default_factory=lambda: defaultdict(int))
    held: dict[Position, int] = field(default_factory=lambda: defaultdict(int))
    reserved: dict[tuple[Position, str], int] = field(default_factory=lambda: defaultdict(int))
    broken: list[str] = field(default_factory=list)

    def apply(self, event: Mapping[str, Any], quantity: int, sku: str) -> None:
        """Apply one event; ``quantity`` in units and ``sku`` in our own name."""
        kind, place = event["type"], (sku, str(event["location"]))
        if kind == "count":
            self.on_hand[place] = quantity
        if kind in ("reserve", "release_reservation", "order_cancelled", "ship"):
            self._claim(kind, (place, str(event.get("reservation_id") or event.get("document", ""))), quantity)
        self.on_hand[place] += ON_HAND.get(kind, 0) * quantity
        self.held[place] += HELD.get(kind, 0) * quantity
        if min(self.on_hand[place], self.allocated[place], self.held[place]) < 0:
            self.broken.append(f"{event['id']} {event['type']}")

    def _claim(self, kind: str, name: tuple[Position, str], quantity: int) -> None:
        change = quantity if kind == "reserve" else -min(quantity, self.reserved[name])
        self.reserved[name] += change
        self.allocated[name[0]] += change


def replayed(tables: Mapping[str, list[dict[str, Any]]]) -> Replay:
    """The events of a world, applied in the order in which they were recorded."""
    ours = {(row["system"], row["external_sku"]): row["sku"] for row in tables["aliases"]}
    factors = {(row["sku"], row["uom"]): row["factor"] for row in tables["uom"]}
    replay = Replay()
    for event, sku, quantity in _translated(tables["events"], ours, factors):
        replay.apply(event, quantity, sku)
    return replay


def _translated(
    events: Iterable[Mapping[str, Any]],
    ours: Mapping[tuple[str, str], str],
    factors: Mapping[tuple[str, str], int],
) -> Iterable[tuple[Mapping[str, Any], str, int]]:
    for event in events:
        sku = ours.get((event["source"], event["sku"]), event["sku"])
        yield event, sku, event["quantity"] * factors.get((sku, event.get("uom", "")), 1)
