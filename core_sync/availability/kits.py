"""What a kit can be promised from: it has no stock of its own but is put together where all its components lie.

``available(kit, location) = min over components(⌊available(component, location) / units a kit⌋)``; units of the kit
itself that were counted before it became one are added.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core_sync.clock import to_microseconds
from core_sync.database.bulk import Bulk

_OF_COMPONENTS = "SELECT DISTINCT kit FROM {keys} CROSS JOIN kit_component c WHERE c.component = k.k0"

_DEFINITIONS = """
SELECT c.kit, c.component, c.quantity, c.valid_from, c.valid_to FROM {keys} CROSS JOIN kit_component c
WHERE c.kit = k.k0 AND (c.valid_from IS NULL OR c.valid_from <= ?) AND (c.valid_to IS NULL OR c.valid_to > ?)
ORDER BY c.version DESC
"""


@dataclass(frozen=True, slots=True)
class Kits:
    """Units of each component by kit, of the kits that are asked for or hang on a SKU that is."""

    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def components(self) -> set[str]:
        """Every SKU that one of them is made of."""
        return {component for parts in self.parts.values() for component in parts}


NO_KITS = Kits()


def kits_behind(bulk: Bulk, skus: Collection[str], at: datetime) -> Kits:
    """The kits in force at ``at`` that are among ``skus``, or made of one of them."""
    asked = {*skus, *(kit for (kit,) in bulk.rows(_OF_COMPONENTS, ("text",), list(skus)))}
    moment = to_microseconds(at)
    definitions: dict[str, dict[tuple[int | None, int | None], dict[str, int]]] = {}
    for kit, component, quantity, since, until in bulk.rows(_DEFINITIONS, ("text",), list(asked), moment, moment):
        definitions.setdefault(kit, {}).setdefault((since, until), {})[component] = quantity
    # Of several definitions that hold, the newest one does: rows come newest first.
    return Kits({kit: next(iter(terms.values())) for kit, terms in definitions.items()}) if definitions else NO_KITS


def kit_available(parts: Mapping[str, int], available: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Kits that can be put together by location, from what is ``available`` of each component by location."""
    places = {place for component in parts for place in available.get(component, {})}
    return {
        place: min(available.get(component, {}).get(place, 0) // units for component, units in parts.items())
        for place in sorted(places)
    }
