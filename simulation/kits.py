"""Kits: so many of two SKUs become as many of a third."""

from dataclasses import dataclass

from numpy.random import Generator

from core_sync.ledger.events import EventType
from simulation.running import Message, Running
from simulation.scenario import LOCATIONS


@dataclass(frozen=True, slots=True)
class Kit:
    """``quantity`` kits built at ``location``; ``skus`` are the two components and the kit."""

    skus: tuple[int, int, int]
    location: int
    quantity: int
    document: str

    def lines(self) -> list[Message]:
        """The three movements."""
        return [
            Message(
                EventType.ADJUST,
                sku,
                self.location,
                change,
                on_hand=change,
                fields={"document": self.document, "line": str(line), "reason": "kit built"},
            )
            for line, (sku, change) in enumerate(
                zip(self.skus, (-self.quantity, -self.quantity, self.quantity), strict=True), start=1
            )
        ]


def draw_kit(running: Running, sku: int, rng: Generator) -> Kit | None:
    """A kit that takes of ``sku`` and of another SKU, where both are in stock at one place; None where they are not."""
    location = max(range(len(LOCATIONS)), key=lambda place: running.truth.free_at(sku, place))
    stocked = [
        item.index
        for item in running.items
        if item.index != sku and running.truth.free_at(item.index, location) >= 2 and item.index not in running.renamed
    ]
    if len(stocked) < 2 or running.truth.free_at(sku, location) < 2 or sku in running.renamed:
        return None
    other, kit = (int(one) for one in rng.choice(stocked, 2, replace=False))
    most = min(running.truth.free_at(sku, location), running.truth.free_at(other, location), 12)
    quantity = int(rng.integers(2, most + 1))
    return Kit((sku, other, kit), location, quantity, f"KIT-{running.number('kit', 300)}")


def build_kit(running: Running, sku: int) -> None:
    """Build one, where there is stock for it."""
    kit = draw_kit(running, sku, running.floor_rng)
    if kit is not None:
        for message in kit.lines():
            running.move(message)
