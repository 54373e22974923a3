"""The way from a file's header to a table's columns, worked out once and followed for every row."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

from core_sync.interchange.cells import Reader, Value, read_json, reader_of
from core_sync.interchange.errors import ProfileRefused
from core_sync.interchange.formats import Column, Table
from core_sync.interchange.profile_rules import SignRule, SourceProfile
from core_sync.interchange.refusals import RAW_COLUMN, REFUSAL_COLUMNS, CellRefused, FieldRefused, RefusedRow
from core_sync.interchange.rows import NO_ATTRIBUTES, RawRecord, Row
from core_sync.interchange.whole_columns import ColumnReader, column_reader_of

Refusals = dict[int, FieldRefused]
"""Why rows are refused, by their place among those that are read together."""


class _Step(NamedTuple):
    """One cell's way: from ``at`` in the file to ``place`` in the table."""

    place: int
    at: int
    read: Reader
    read_column: ColumnReader
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
        read, read_column = reader_of(column, profile.time), column_reader_of(column, profile.time)
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
            self._steps.append(_Step(place, self._where[file_column], read, read_column, name in given, words))
        elif column.required and name not in given:
            self.missing.append(file_column or name)

    def file_column(self, name: str) -> str:
        """What the file calls our column ``name``; empty where that name stands for another column there."""
        if name == "quantity" and self._sign is not None:
            return self._sign.column
        return self._profile.columns.get(name, "" if name in self._claimed else name)

    def columns(self, rows: Sequence[Sequence[object]]) -> tuple[list[Sequence[Value]], Refusals]:
        """The values of the table's columns, each (rows,), in their order; and which rows are refused, and why.

        What stands in a refused row's place means nothing. A refusal names the file's own column.
        """
        refused: Refusals = {}
        if self._raw is not None:
            told = "the row was not told apart into columns; mend them, then empty this one"
            refused.update((n, FieldRefused(RAW_COLUMN, told)) for n, cells in enumerate(rows) if cells[self._raw])
        if self.missing:
            others = f", and so is {', '.join(self.missing[1:])}" if self.missing[1:] else ""
            lack = FieldRefused(self.missing[0], f"is missing{others}; every row of {self._table.name} needs it")
            refused = dict.fromkeys(range(len(rows)), lack) | refused
        columns: list[Sequence[Value]] = [[blank] * len(rows) for blank in self._blank]
        cells_at = list(zip(*rows, strict=True))
        for step in self._steps:
            columns[step.place] = self._column(step, cells_at[step.at], refused)
        if self._sign is not None:
            self._give_directions(columns, self._sign, refused)
        return columns, refused

    def _column(self, step: _Step, cells: Sequence[object], refused: Refusals) -> Sequence[Value]:
        if not step.filled and not step.words:
            plain = step.read_column(cells)
            if plain is not None:
                return plain
        values: list[Value] = []
        for row, cell in enumerate(cells):
            value = self._blank[step.place]
            if not (step.filled and (cell is None or (isinstance(cell, str) and not cell.strip()))):
                said = step.words.get(cell.strip(), cell) if step.words and isinstance(cell, str) else cell
                try:
                    value = step.read(said)
                except CellRefused as error:
                    refused.setdefault(row, FieldRefused(self._header[step.at], str(error)))
            values.append(value)
        return values

    def _give_directions(self, columns: list[Sequence[Value]], sign: SignRule, refused: Refusals) -> None:
        """Turn signed quantities into types and quantities without sign."""
        places = self._table.places
        signed = columns[places["quantity"]]
        directions: list[Value] = []
        for row, quantity in enumerate(signed):
            direction = sign.direction(quantity) if isinstance(quantity, int) else None
            if direction is None:
                refused.setdefault(row, FieldRefused(sign.column, "0 moves nothing; leave the row out"))
            directions.append(direction.value if direction is not None else None)
        columns[places["type"]] = directions
        columns[places["quantity"]] = [abs(quantity) if isinstance(quantity, int) else None for quantity in signed]

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

    def all_attributes(self, rows: Sequence[Sequence[object]], refused: Refusals) -> Sequence[Mapping[str, str]]:
        """The ``attributes`` of each row; where they cannot be kept the row is ``refused``."""
        if not self._rest:
            return [NO_ATTRIBUTES] * len(rows)
        kept: list[Mapping[str, str]] = []
        for row, cells in enumerate(rows):
            try:
                kept.append(self.attributes(cells))
            except FieldRefused as error:
                refused.setdefault(row, error)
                kept.append(NO_ATTRIBUTES)
        return kept

    def rows(self, records: Sequence[RawRecord]) -> list[Row | RefusedRow]:
        """Each of ``records``, which lie under this plan's header, as a row of the table."""
        cells = [record.cells for record in records]
        columns, refused = self.columns(cells)
        attributes = self.all_attributes(cells, refused)
        names = self._table.column_names
        fields = zip(*columns, strict=True) if columns else repeat((), len(records))
        found: list[Row | RefusedRow] = [
            Row(record, self._table, dict(zip(names, values, strict=True)), told)
            for record, values, told in zip(records, fields, attributes, strict=True)
        ]
        for row, refusal in refused.items():
            found[row] = records[row].refuse(refusal.field, refusal.reason)
        return found


@lru_cache(maxsize=64)
def plan_for(header: tuple[str, ...], table: Table, profile: SourceProfile) -> Plan:
    """The plan for rows under ``header``; the few headers in use are worked out once."""
    return Plan(header, table, profile)
