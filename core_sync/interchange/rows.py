"""Rows: as they lie in a file, and as a table makes sense of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from core_sync.interchange.cells import Value
from core_sync.interchange.formats import Table
from core_sync.interchange.refusals import RefusedRow

NO_ATTRIBUTES: Mapping[str, str] = MappingProxyType({})


class RawRecord(NamedTuple):
    """One row as it lies in its file; ``row`` counts data rows from 1, ``line`` the lines of a text file."""

    file: str
    row: int
    line: int | None
    header: tuple[str, ...]
    cells: Sequence[object]

    def refuse(self, field: str, reason: str) -> RefusedRow:
        """This row, refused because of ``field``."""
        return RefusedRow(
            self.file, self.row, field, reason, dict(zip(self.header, self.cells, strict=True)), self.line
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One good row of ``table``: every column is in ``fields``, what else there was in ``attributes``.

    Texts that were not given are ``""``; other values that were not given are ``None``.
    """

    record: RawRecord
    table: Table
    fields: Mapping[str, Value]
    attributes: Mapping[str, str] = field(default_factory=lambda: NO_ATTRIBUTES)

    def text(self, column: str) -> str:
        """The text in ``column``; empty where none was given."""
        value = self.fields[column]
        return value if isinstance(value, str) else ""

    def whole(self, column: str) -> int | None:
        """The whole number in ``column``."""
        value = self.fields[column]
        return value if isinstance(value, int) else None

    def number(self, column: str) -> Decimal | None:
        """The exact number or amount in ``column``."""
        value = self.fields[column]
        return value if isinstance(value, Decimal) else None

    def moment(self, column: str) -> datetime | None:
        """The point in time in ``column``, aware, in UTC."""
        value = self.fields[column]
        return value if isinstance(value, datetime) else None

    def flag(self, column: str) -> bool | None:
        """Whether ``column`` says true."""
        value = self.fields[column]
        return value if isinstance(value, bool) else None

    def refuse(self, column: str, reason: str) -> RefusedRow:
        """This row, refused after all because of ``column`` (say, a SKU that nobody knows)."""
        return self.record.refuse(column, reason)
