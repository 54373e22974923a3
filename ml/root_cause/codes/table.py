"""The table of codes: read from the files beside this one, then from the user's own files.

A file names its ``systems`` (families, as they stand in a failure's ``system``), its ``source`` and a ``version``;
each row of ``codes`` is ``[leaf, certainty, retry, meaning, what to do]``. ``leaf`` is a root cause or a subclass;
``certainty`` in (0, 1) is the share of failures with that code whose cause it is. A later file replaces the rows of
an earlier one for the same family and code, so users extend and correct the table without touching ours.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path

from core_sync.errors import SettingsRefused
from ml.root_cause.causes import RootCause, Subclass, root_cause_of, subclass_of

SHIPPED = Path(__file__).parent
_HTTP = "http"


class Retry(StrEnum):
    """Whether the same update, sent again, can succeed."""

    NO = "no"
    LATER = "later"
    SAME_KEY = "same_key"
    NEW_KEY = "new_key"
    AFTER_REREAD = "after_reread"


@dataclass(frozen=True)
class Code:
    """What is known of one code of a family of systems."""

    systems: tuple[str, ...]
    code: str
    root_cause: RootCause
    subclass: Subclass | None
    certainty: float
    retry: Retry
    meaning: str
    operator_does: str
    source: str

    def __post_init__(self) -> None:
        if not 0 < self.certainty < 1:
            raise ValueError(f"certainty {self.certainty} is not between 0 and 1")


@dataclass(frozen=True)
class CodeTable:
    """All codes known; looked up by system and code, by HTTP status, or in the text of a message."""

    by_family: Mapping[str, Mapping[str, Code]]
    """Family of systems to folded code to knowledge."""
    anywhere: Mapping[str, Code] = field(default_factory=dict)
    """Codes long and particular enough to be understood without knowing the system."""

    def status(self, http_status: int | None) -> Code | None:
        """What an HTTP status means; unknown statuses are read as their class's first (499 as 400)."""
        if http_status is None:
            return None
        codes = self.by_family.get(_HTTP, {})
        return codes.get(str(http_status)) or (
            codes.get(f"{http_status // 100}00") if 400 <= http_status < 600 else None
        )

    def find(self, error_code: str | None, system: str | None) -> Code | None:
        """What ``error_code`` means in ``system``; in any system if the code is particular enough."""
        if not error_code:
            return None
        folded = fold_code(error_code)
        family = (system or "").strip().lower()
        for name in (family, *(part for part in re.split(r"[^a-z0-9]+", family) if part)):
            known = self.by_family.get(name, {}).get(folded)
            if known:
                return known
        return self.anywhere.get(folded)

    def in_text(self, message: str) -> Code | None:
        """The first code that stands in ``message`` as one particular word, such as ``QuotaExceeded``."""
        for word in _CODE_WORDS.findall(message):
            known = self.anywhere.get(fold_code(word))
            if known:
                return known
        return None

    def __iter__(self) -> Iterator[Code]:
        seen = {id(code): code for codes in self.by_family.values() for code in codes.values()}
        return iter(seen.values())


_CODE_WORDS = re.compile(
    r"\b(?:[A-Z][a-z]+){2,}[A-Za-z]*\b|\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b|\bE[A-Z]{4,}\b|\bORA-\d{5}\b"
)
_PARTICULAR = re.compile(r"(?:[A-Z][a-z]+){2,}[A-Za-z]*|[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+|E[A-Z]{4,}|ORA-\d{5}|\w+:\w+")


def fold_code(code: str) -> str:
    """``code`` without case, spaces, dashes and underscores; ``:`` is kept, it parts an element from its code."""
    return re.sub(r"[\s_\-.]+", "", code).lower()


def read_codes(files: Iterable[Path]) -> CodeTable:
    """The table in ``files``, later rows replacing earlier ones.

    Raises:
        SettingsRefused: a file that cannot be read as a table of codes; names the file and the row.
    """
    families: dict[str, dict[str, Code]] = {}
    anywhere: dict[str, Code] = {}
    for file in files:
        for code, names in _rows_of(file):
            for name in names:
                families.setdefault(name, {})[fold_code(code.code)] = code
            if _PARTICULAR.fullmatch(code.code):
                anywhere[fold_code(code.code)] = code
    return CodeTable(families, anywhere)


@cache
def shipped_codes() -> CodeTable:
    """The table that comes with the project."""
    return read_codes(sorted(SHIPPED.glob("*.toml")))


def codes_with(user_files: Iterable[Path]) -> CodeTable:
    """The shipped table, extended and corrected by the user's files."""
    return read_codes([*sorted(SHIPPED.glob("*.toml")), *user_files])


def _rows_of(file: Path) -> Iterator[tuple[Code, tuple[str, ...]]]:
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        names = tuple(str(name).lower() for name in told["systems"])
        source = str(told["source"])
        rows = dict(told["codes"])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise SettingsRefused(str(file), f"is no table of codes: {error!r}") from error
    for name, row in rows.items():
        try:
            leaf, certainty, retry, meaning, does = row
            cause, subclass = root_cause_of(leaf), subclass_of(leaf)
            code = Code(names, name, cause, subclass, certainty, Retry(retry), meaning, does, source)
        except (TypeError, ValueError) as error:
            raise SettingsRefused(f"{file}, code {name}", str(error)) from error
        yield code, names
