"""Rows and cells that are refused, with the reason in words that tell how to mend them."""

from collections.abc import Mapping
from dataclasses import dataclass

ROW_COLUMN, FIELD_COLUMN, REASON_COLUMN = "_row", "_field", "_reason"
REFUSAL_COLUMNS = (ROW_COLUMN, FIELD_COLUMN, REASON_COLUMN)
"""What a file of refused rows says beside the row itself; ignored when the file is sent again."""

RAW_COLUMN = "_raw"
"""The whole line of a row that could not be told apart into columns; empty it once they are right."""


class CellRefused(ValueError):
    """A cell that is not what its column holds; the message says why and how to mend it."""


class FieldRefused(CellRefused):
    """A row that is refused because of one ``field``."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row that was not taken in. ``raw`` holds it as it came, so that it can be corrected and sent again.

    ``row`` counts data rows from 1; ``line`` is where the row begins in a text file, counted from 1.
    """

    file: str
    row: int
    field: str
    reason: str
    raw: Mapping[str, object]
    line: int | None = None

    def __str__(self) -> str:
        """The refusal as a person reads it."""
        where = f"row {self.row}" + ("" if self.line is None else f" (line {self.line})")
        return (
            f"{self.file} {where}, {self.field}: {self.reason}" if self.field else f"{self.file} {where}: {self.reason}"
        )
