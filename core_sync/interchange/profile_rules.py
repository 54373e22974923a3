"""The source profile: what one system calls things, and what it leaves unsaid. Kept as TOML.

::

    table = "events"                     # the table it describes; any, where left out
    source = "retail-movements"          # the same as constants.source
    opening = "unknown"                  # or "zero": what stock there was before the first event

    [columns]                            # our column = the file's column; the others keep their names
    id = "movement_id"

    [constants]                          # values no cell overrides
    location = "WAREHOUSE"

    [defaults]                           # values of empty cells and missing columns
    uom = "EA"

    [types]                              # the source's word = our event type
    GR = "receipt"

    [quantity]                           # a signed column that gives type and quantity
    column = "delta"
    negative = "ship"
    positive = "return_received"
    zero = "refuse"                      # or an event type

    [time]
    zone = "Europe/London"               # IANA zone of times that name none
    format = "%d/%m/%Y %H:%M"            # strptime pattern, epoch_s or epoch_ms; ISO 8601 where left out
    ambiguous = "earlier"                # or "later", "refuse": the hour that the clocks show twice

    [file]
    delimiter = ";"                      # of .csv files

    [reconciliation]
    winner = "wms"                       # the system whose figure holds
    tolerance = 0                        # units that may differ without anyone caring
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from core_sync.interchange.moments import TimeRule
from core_sync.ledger.events import EventType

_NONE: Mapping[str, str] = MappingProxyType({})


class Opening(StrEnum):
    """What stock a source's positions held before its first event."""

    ZERO = "zero"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SignRule:
    """What the sign in ``column`` says about the type of a movement; a zero without a type is refused."""

    column: str
    negative: EventType
    positive: EventType
    zero: EventType | None = None

    def direction(self, signed: int) -> EventType | None:
        """The type of a movement of ``signed`` units."""
        if signed == 0:
            return self.zero
        return self.negative if signed < 0 else self.positive


@dataclass(frozen=True, slots=True)
class ReconciliationRule:
    """Which system's figure wins (empty: nobody has said) and how many units may differ."""

    winner: str = ""
    tolerance: int = 0


@dataclass(frozen=True, eq=False)
class SourceProfile:
    """How one source writes its files; the plain ``SourceProfile("interchange")`` takes our own formats."""

    name: str
    table: str | None = None
    columns: Mapping[str, str] = field(default_factory=lambda: _NONE)
    constants: Mapping[str, object] = field(default_factory=lambda: _NONE)
    defaults: Mapping[str, object] = field(default_factory=lambda: _NONE)
    types: Mapping[str, str] = field(default_factory=lambda: _NONE)
    sign: SignRule | None = None
    time: TimeRule = field(default_factory=TimeRule)
    opening: Opening = Opening.ZERO
    reconciliation: ReconciliationRule = field(default_factory=ReconciliationRule)
    delimiter: str = ","

    @property
    def source(self) -> str | None:
        """The name all its events bear; none where each row says its own."""
        source = self.constants.get("source")
        return source if isinstance(source, str) else None


INTERCHANGE = SourceProfile("interchange")
"""Our own formats, where nothing is left unsaid."""

SHIPPED = Path(__file__).parent / "profiles"
"""Where the profiles lie that come with the project."""


def shipped_profiles() -> tuple[str, ...]:
    """The names of the profiles that come with the project."""
    return tuple(sorted(file.stem for file in SHIPPED.glob("*.toml")))
