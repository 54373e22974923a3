"""The way from a file's header to a table's columns, worked out once and followed for every row."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from core_sync.interchange.cells import Reader, Value, read_json, reader_of
from core_sync.interchange.errors import ProfileRefused
from core_sync.interchange.formats import Column, Table
from core_sync.interchange.profile_rules import SignRule, SourceProfile
from core_sync.interchange.refusals import RAW_COLUMN, REFUSAL_COLUMNS, CellRefused, FieldRefused
from core_sync.interchange.rows import NO_ATTRIBUTES, RawRecord, Row


class _Step(NamedTuple):
    """One cell's way: from ``at`` in the file to ``place`` in the table."""

    place: int
    at: int
    read: Reader
    filled: bool
    """Whether the profile says what an empty cell means."""
    words: Mapping[str, str]
    """The source's own words for what we call otherwise."""


class Plan:
    """How rows under one header become rows of one table, as a source profile says."""

    def __init__(self, header: tuple[str, ...], table: Table, profile: SourceProfile) -> None:
        """Match ``header`` to the columns of ``table``.

        Raises:
            ProfileRefused: the profile is for another table, or a constant does not fit its column.
        """
        if profile.table is not None and profile.table != table.name:
            raise ProfileRefused(profile.name, "table", f"it is for {profile.table}, not for {table.name}")
        self._header, self._table, self._profile = header, table, profile
        self._sign = profile.sign if "quantity" in table.places else None
        self._where = {name: index for index, name in enumerate(header)}
        self._claimed = {*profile.columns.values(), *([self._sign.column] if self._sign else [])}
        self._blank: list[Value] = []
        self._steps: list[_Step] = []
        self.missing: list[str] = []
        """Columns that every row needs and that neither the header nor the profile gives."""
        for column in table.columns:
            self._match(column)
        taken = {step.at for step in self._steps}
        ignored = {*REFUSAL_COLUMNS, RAW_COLUMN}
        self._rest = [(n, i) for n, i in self._where.items() if i not in taken and n not in ignored]
        self._raw = self._where.get(RAW_COLUMN)

    def _match(self, column: Column) -> None:
        name, place, profile = column.name, len(self._blank), self._profile
        read = reader_of(column, profile.time)
        given = {**profile.defaults, **profile.constants}
        try:
            self._blank.append(read(given.get(name)) if name in given or not column.must_be_filled else None)
        except CellRefused as error:
            raise ProfileRefused(profile.name, name, str(error)) from error
        if name in profile.constants or (name == "type" and self._sign is not None):
            return
        file_column = self.file_column(name)
        if file_column in self._where:
            words = profile.types if name == "type" else NO_ATTRIBUTES
            self._steps.append(_Step(place, self._where[file_column], read, name in given, words))
        elif column.required and name not in given:
            self.missing.append(file_column or name)

    def file_column(self, name: str) -> str:
        """What the file calls our column ``name``; empty where that name stands for another column there."""
        if name == "quantity" and self._sign is not None:
            return self._sign.column
        return self._profile.columns.get(name, "" if name in self._claimed else name)

    def values(self, cells: Sequence[object]) -> list[Value]:
        """The values of the table's columns, in their order.

        Raises:
            FieldRefused: one of them is not what its column holds; it names the file's own column.
        """
        if self._raw is not None and cells[self._raw]:
            raise FieldRefused(RAW_COLUMN, "the row was not told apart into columns; mend them, then empty this one")
        if self.missing:
            raise FieldRefused(self.missing[0], f"is missing; every row of {self._table.name} needs it")
        values = self._blank.copy()
        index = 0
        try:
            for place, index, read, filled, words in self._steps:
                cell = cells[index]
                if filled and (cell is None or (isinstance(cell, str) and not cell.strip())):
                    continue
                if words and isinstance(cell, str):
                    cell = words.get(cell.strip(), cell)
                values[place] = read(cell)
        except CellRefused as error:
            raise FieldRefused(self._header[index], str(error)) from error
        if self._sign is not None:
            self._give_direction(values, self._sign)
        return values

    def _give_direction(self, values: list[Value], sign: SignRule) -> None:
        """Turn a signed quantity into a type and a quantity without sign."""
        places = self._table.places
        signed = values[places["quantity"]]
        if not isinstance(signed, int):
            return
        direction = sign.direction(signed)
        if direction is None:
            raise FieldRefused(sign.column, "0 moves nothing; leave the row out")
        values[places["type"]] = direction.value
        values[places["quantity"]] = abs(signed)

    def attributes(self, cells: Sequence[object]) -> Mapping[str, str]:
        """What the table has no column for, as text; empty cells are left out.

        Raises:
            FieldRefused: one of them cannot be kept as text.
        """
        if not self._rest:
            return NO_ATTRIBUTES
        kept: dict[str, str] = {}
        for name, index in self._rest:
            cell = cells[index]
            if cell is None or cell == "":
                continue
            try:
                kept[name] = read_json(cell)
            except CellRefused as error:
                raise FieldRefused(name, str(error)) from error
        return kept or NO_ATTRIBUTES

    def row(self, record: RawRecord) -> Row:
        """``record`` as a row of the table.

        Raises:
            FieldRefused: it is none.
        """
        fields = dict(zip(self._table.column_names, self.values(record.cells), strict=True))
        return Row(record, self._table, fields, self.attributes(record.cells))


@lru_cache(maxsize=64)
def plan_for(header: tuple[str, ...], table: Table, profile: SourceProfile) -> Plan:
    """The plan for rows under ``header``; the few headers in use are worked out once."""
    return Plan(header, table, profile)
