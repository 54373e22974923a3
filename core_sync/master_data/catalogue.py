"""Master data as one batch of events sees it: an immutable picture of one version.

A catalogue that is empty controls nothing: until SKUs (or locations) are loaded, events are taken
as they name them. From the first loaded row on, an unknown name parks the event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from sqlalchemy import Connection, text

BASE_UNITS = frozenset({"", "EA", "C62", "H87", "PCE", "PCS", "EACH", "UNIT", "UN"})
"""Codes of "one piece" in UN/ECE Recommendation 20 and X12 element 355, and the usual spellings."""


@dataclass(frozen=True, slots=True)
class AliasSpan:
    """``sku`` is meant from ``valid_from`` (None: always) until before ``valid_to`` (None: still)."""

    sku: str
    valid_from: int | None
    valid_to: int | None

    def holds_at(self, moment: int) -> bool:
        """True when the alias was in force at ``moment``."""
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_to is None or moment < self.valid_to
        )


@dataclass(frozen=True, slots=True)
class KitSpan:
    """What a kit is made of (SKU and units of it) from ``valid_from`` (None: always) until before ``valid_to``."""

    components: tuple[tuple[str, int], ...]
    valid_from: int | None
    valid_to: int | None


@dataclass(frozen=True)
class Catalogue:
    """SKUs, units, aliases, kits and locations of one version."""

    version: int = 0
    base_units: Mapping[str, str] = field(default_factory=dict)
    factors: Mapping[tuple[str, str], Fraction] = field(default_factory=dict)
    aliases: Mapping[tuple[str, str], Sequence[AliasSpan]] = field(default_factory=dict)
    kits: Mapping[str, Sequence[KitSpan]] = field(default_factory=dict)
    strict: Mapping[str, bool] = field(default_factory=dict)
    external_locations: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def sku_of(self, system: str, name: str, moment: int) -> str | None:
        """Our SKU for what ``system`` calls ``name``; its own alias first, then our own name for it."""
        for span in self.aliases.get((system, name), ()):
            if span.holds_at(moment):
                return span.sku
        return name if self.knows(name) or name in self.kits else None

    def knows(self, sku: str) -> bool:
        """True when ``sku`` is one of ours; while there are none, any is."""
        return sku in self.base_units or not self.base_units

    def components_of(self, sku: str, moment: int) -> tuple[tuple[str, int], ...]:
        """The SKUs that the kit ``sku`` was made of at ``moment``, and how many units of each; none for no kit."""
        for span in self.kits.get(sku, ()):
            if (span.valid_from is None or span.valid_from <= moment) and (
                span.valid_to is None or moment < span.valid_to
            ):
                return span.components
        return ()

    def is_timeless(self, system: str, name: str, sku: str) -> bool:
        """True when what ``system`` calls ``name`` never meant but ``sku``, no end to it is known, and it is no kit."""
        if sku in self.kits:
            return False
        spans = self.aliases.get((system, name), ())
        return not spans or (spans[0].valid_from is None and spans[0].valid_to is None)

    def location_of(self, system: str, name: str) -> str | None:
        """Our location for what ``system`` calls ``name``."""
        ours = self.external_locations.get((system, name))
        if ours is not None:
            return ours
        return name if name in self.strict or not self.strict else None

    def factor(self, sku: str, uom: str) -> Fraction | None:
        """Stock-keeping units in one ``uom`` of ``sku``; None when nobody said."""
        known = self.factors.get((sku, uom))
        if known is not None:
            return known
        base = self.base_units.get(sku, "")
        return Fraction(1) if uom == base or (uom.upper() in BASE_UNITS and base.upper() in BASE_UNITS) else None

    def is_strict(self, location: str) -> bool:
        """True when a location parks what would drive a state negative (so does an unknown one)."""
        return self.strict.get(location, True)


def read_catalogue(connection: Connection, version: int) -> Catalogue:
    """The whole of master data that the ledger needs, as of ``version`` (the present one)."""
    aliases: dict[tuple[str, str], list[AliasSpan]] = {}
    newest_first = text("SELECT system, external_sku, sku, valid_from, valid_to FROM alias ORDER BY version DESC")
    for system, external, sku, valid_from, valid_to in connection.execute(newest_first):
        aliases.setdefault((system, external), []).append(AliasSpan(sku, valid_from, valid_to))
    strict: dict[str, bool] = {}
    external_locations: dict[tuple[str, str], str] = {}
    for name, control, system, external in connection.execute(
        text("SELECT location, stock_control, system, external_location FROM location")
    ):
        strict[name] = control == "strict"
        if system and external:
            external_locations[system, external] = name
    return Catalogue(
        version=version,
        base_units=dict(connection.execute(text("SELECT sku, base_uom FROM sku")).all()),
        factors={
            (sku, uom): Fraction(numerator, denominator)
            for sku, uom, numerator, denominator in connection.execute(
                text("SELECT sku, uom, numerator, denominator FROM unit_of_measure")
            )
        },
        aliases=aliases,
        kits=_kits(connection),
        strict=strict,
        external_locations=external_locations,
    )


def _kits(connection: Connection) -> dict[str, list[KitSpan]]:
    """Every definition of every kit, the newest first; rows with the same term make one definition."""
    definitions: dict[tuple[str, int | None, int | None], list[tuple[str, int]]] = {}
    rows = connection.execute(
        text("SELECT kit, component, quantity, valid_from, valid_to FROM kit_component ORDER BY version DESC")
    )
    for kit, component, quantity, valid_from, valid_to in rows:
        definitions.setdefault((kit, valid_from, valid_to), []).append((component, quantity))
    kits: dict[str, list[KitSpan]] = {}
    for (kit, valid_from, valid_to), components in definitions.items():
        kits.setdefault(kit, []).append(KitSpan(tuple(sorted(components)), valid_from, valid_to))
    return kits
