"""What ledger entries do to open expectations: pure."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from core_sync.expectations.kinds import BEGUN_BY, ENDED_BY, MET_BY, Expectation
from core_sync.ledger.effects import Flag

Thing = tuple[str, str, str, str]
"""Kind, document, SKU and location."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a ledger entry says, as far as it matters here; times are microseconds since 1970."""

    entry_id: int
    type: str
    source_id: int
    sku: str
    location: str
    to_location: str | None
    quantity: int
    document: str
    line: str
    occurred_at: int
    recorded_at: int
    flags: int


@dataclass(slots=True, eq=False)
class Open:
    """One open expectation; ``row`` is its number where it is stored."""

    kind: str
    document: str
    line: str
    sku: str
    location: str
    source_id: int
    quantity: int
    since: int
    breached: bool = False
    row: int | None = None

    @property
    def thing(self) -> Thing:
        """What it is about, whatever its line."""
        return self.kind, self.document, self.sku, self.location

    @property
    def subject(self) -> str:
        """The failure subject of its breach."""
        return f"expected:{self.kind}:{msgspec.json.encode(self._names).decode()}"

    @property
    def _names(self) -> list[str]:
        return [self.document, self.line, self.sku, self.location]


@dataclass(frozen=True, slots=True)
class Met:
    """An expectation, and the entry that met it."""

    open: Open
    by: Entry


class Reading:
    """What is open for the documents of some entries, and what becomes of it as they are taken in order."""

    def __init__(self, known: Iterable[Open]) -> None:
        """``known`` is everything open for these documents."""
        self._open: dict[Thing, list[Open]] = {}
        for one in known:
            self._open.setdefault(one.thing, []).append(one)
        self._drawn: dict[int, Open] = {}
        self._begun: dict[int, Open] = {}
        self.met: list[Met] = []
        self.ended: list[Open] = []

    @property
    def begun(self) -> list[Open]:
        """What began and is still open."""
        return list(self._begun.values())

    @property
    def changed(self) -> list[Open]:
        """What was open before and still is, with another quantity."""
        return [one for one in self._drawn.values() if one.row is not None]

    def take(self, entry: Entry) -> None:
        """Take one entry in; what takes back the beginning of something ends it."""
        if entry.flags & Flag.REVERSAL:
            for kind in BEGUN_BY.get(entry.type, ()):
                self._end(self._matching(kind, entry))
            return
        for kind in BEGUN_BY.get(entry.type, ()):
            self._begin(kind, entry)
        for kind in MET_BY.get(entry.type, ()):
            self._meet(kind, entry)
        for kind in ENDED_BY.get(entry.type, ()):
            self._end(self._matching(kind, entry))

    def _begin(self, kind: Expectation, entry: Entry) -> None:
        thing = _thing(kind, entry)
        there = self._open.setdefault(thing, [])
        same = next((one for one in there if one.line == entry.line), None)
        if same is None:
            name, document, sku, location = thing
            fresh = Open(
                name, document, entry.line, sku, location, entry.source_id, entry.quantity, entry.occurred_at
            )  # fmt: skip
            there.append(fresh)
            self._begun[id(fresh)] = fresh
        elif kind.in_units:
            same.quantity += entry.quantity
            self._drawn[id(same)] = same

    def _meet(self, kind: Expectation, entry: Entry) -> None:
        left = entry.quantity
        for one in self._matching(kind, entry):
            if not kind.in_units or one.quantity <= left:
                left -= one.quantity
                self.met.append(Met(one, entry))
                self._remove(one)
            elif left > 0:
                one.quantity -= left
                left = 0
                self._drawn[id(one)] = one

    def _matching(self, kind: Expectation, entry: Entry) -> list[Open]:
        """What an entry speaks of: its own line, or every line where one of the two names none."""
        there = self._open.get(_thing(kind, entry), [])
        own = [one for one in there if one.line == entry.line]
        return own or [one for one in there if not entry.line or not one.line]

    def _end(self, expectations: list[Open]) -> None:
        for one in expectations:
            self.ended.append(one)
            self._remove(one)

    def _remove(self, one: Open) -> None:
        self._open[one.thing].remove(one)
        self._begun.pop(id(one), None)
        self._drawn.pop(id(one), None)


def _thing(kind: Expectation, entry: Entry) -> Thing:
    """What an entry is about; where it begins something elsewhere, that place counts."""
    if kind.of_document:
        return kind.kind, entry.document, "", ""
    elsewhere = kind.at_destination and entry.type in kind.begun_by
    return kind.kind, entry.document, entry.sku, (entry.to_location if elsewhere else None) or entry.location
