"""What makes a whole file or profile unusable. A single bad row is no error: it is a ``RefusedRow``."""

from collections.abc import Sequence
from pathlib import Path

from core_sync.errors import StocktriageError


class InterchangeError(StocktriageError):
    """A file or a profile that cannot be used at all; nothing was read from it."""


class FileUnreadable(InterchangeError):
    """``file`` cannot be opened, decoded or understood as a table."""

    def __init__(self, file: Path | str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = str(file)
        self.reason = reason


class FormatUnknown(FileUnreadable):
    """The name of ``file`` does not end in one of the formats we read and write."""

    def __init__(self, file: Path | str) -> None:
        super().__init__(file, "the name must end in .csv, .jsonl or .parquet, which tells the format")


class MissingColumn(FileUnreadable):
    """``file`` lacks ``columns`` that every row of ``table`` needs; ``there`` are those it has."""

    def __init__(
        self, file: Path | str, table: str, columns: Sequence[str], there: Sequence[str], hint: str = ""
    ) -> None:
        wanted = f"a column {columns[0]}" if len(columns) == 1 else f"the columns {', '.join(columns)}"
        super().__init__(
            file,
            f"the table {table} needs {wanted}; there are {', '.join(there) or 'none'}"
            + (f" ({hint})" if hint else ""),
        )
        self.table = table
        self.columns = tuple(columns)
        self.there = tuple(there)


class DuplicateColumn(FileUnreadable):
    """Two columns of ``file`` bear the name ``column``, so a value would be ambiguous."""

    def __init__(self, file: Path | str, column: str) -> None:
        super().__init__(file, f"the column {column} stands in the header more than once; rename or remove one")
        self.column = column


class ProfileRefused(InterchangeError):
    """The source profile ``profile`` cannot be used because of ``key``."""

    def __init__(self, profile: str, key: str, reason: str) -> None:
        super().__init__(f"profile {profile}, {key}: {reason}")
        self.profile = profile
        self.key = key
        self.reason = reason
