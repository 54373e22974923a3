"""Source profiles read from TOML, every key checked."""

import difflib
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar
from zoneinfo import ZoneInfo

from core_sync.interchange.cells import reader_of
from core_sync.interchange.errors import ProfileRefused
from core_sync.interchange.formats import TABLES, Column
from core_sync.interchange.moments import EPOCH_MILLISECONDS, EPOCH_SECONDS, Ambiguity, TimeRule
from core_sync.interchange.profile_rules import (
    INTERCHANGE,
    SHIPPED,
    Opening,
    ReconciliationRule,
    SignRule,
    SourceProfile,
    shipped_profiles,
)
from core_sync.interchange.refusals import CellRefused
from core_sync.ledger.events import EventType

_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "quantity": ("column", "negative", "positive", "zero"),
        "time": ("zone", "format", "ambiguous"),
        "file": ("delimiter",),
        "reconciliation": ("winner", "tolerance"),
    }
)
_FREE = ("columns", "constants", "defaults", "types")
_TOP = ("table", "source", "opening", *_FREE, *_KEYS)

Word = TypeVar("Word")

__all__ = [
    "INTERCHANGE",
    "Opening",
    "ReconciliationRule",
    "SignRule",
    "SourceProfile",
    "load_profile",
    "profile_from",
    "shipped_profiles",
]


def load_profile(name_or_path: str | Path) -> SourceProfile:
    """The profile that comes with the project under that name, or the one in that TOML file.

    Raises:
        ProfileRefused: there is none, or one of its keys cannot be used; it names the key.
    """
    text = str(name_or_path)
    path = Path(text) if text.endswith(".toml") or "/" in text else SHIPPED / f"{text}.toml"
    try:
        keys = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(shipped_profiles())
        raise ProfileRefused(
            text, "name", f"there is no such profile; known are {known}, or give a .toml file"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileRefused(text, "file", f"cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ProfileRefused(text, "file", f"is not TOML: {error}") from error
    return profile_from(path.stem, keys)


def profile_from(name: str, keys: Mapping[str, object]) -> SourceProfile:
    """The profile that the TOML ``keys`` describe.

    Raises:
        ProfileRefused: one of them cannot be used; it names the key.
    """
    return _Reading(name, keys).profile()


class _Reading:
    """One profile while it is being read; every complaint names profile and key."""

    def __init__(self, name: str, keys: Mapping[str, object]) -> None:
        self._name = name
        self._keys = keys

    def profile(self) -> SourceProfile:
        """The whole profile."""
        self._check_keys("", self._keys, _TOP)
        table = self._text("", self._keys, "table") or None
        if table is not None and table not in TABLES:
            raise self._refused("table", f"{table!r} is no table; known are {', '.join(TABLES)}")
        time = self._time()
        constants = self._values("constants", table, time)
        source = self._text("", self._keys, "source")
        if source:
            constants = {**constants, "source": source}
        columns = {key: self._text("columns", self._section("columns"), key) for key in self._section("columns")}
        for key in columns:
            self._columns_called("columns", key, table)
        sign = self._sign()
        if sign is not None and ("type" in columns or "quantity" in columns):
            raise self._refused("quantity", "gives type and quantity, so [columns] must not map either")
        return SourceProfile(
            name=self._name,
            table=table,
            columns=MappingProxyType(columns),
            constants=MappingProxyType(constants),
            defaults=MappingProxyType(self._values("defaults", table, time)),
            types=MappingProxyType({word: self._type("types", word).value for word in self._section("types")}),
            sign=sign,
            time=time,
            opening=self._word("opening", self._keys.get("opening", Opening.ZERO.value), Opening),
            reconciliation=self._reconciliation(),
            delimiter=self._delimiter(),
        )

    def _refused(self, key: str, reason: str) -> ProfileRefused:
        return ProfileRefused(self._name, key, reason)

    def _check_keys(self, section: str, keys: Mapping[str, object], known: tuple[str, ...]) -> None:
        for key in keys:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise self._refused(f"{section}.{key}".lstrip("."), f"is no key of a profile; {hint}")

    def _section(self, name: str) -> Mapping[str, object]:
        section = self._keys.get(name, {})
        if not isinstance(section, dict):
            raise self._refused(name, f"must be a section, [{name}]")
        if name in _KEYS:
            self._check_keys(name, section, _KEYS[name])
        return section

    def _text(self, section: str, keys: Mapping[str, object], key: str) -> str:
        """The text under ``key``, empty where it is left out."""
        if key not in keys:
            return ""
        value = keys[key]
        if not isinstance(value, str) or not value.strip():
            raise self._refused(f"{section}.{key}".lstrip("."), f"must be a text, not {value!r}")
        return value

    def _word(self, key: str, value: object, words: Callable[[str], Word]) -> Word:
        try:
            return words(value if isinstance(value, str) else repr(value))
        except ValueError as error:
            raise self._refused(key, f"{value!r} is not known here") from error

    def _type(self, section: str, key: str) -> EventType:
        return self._word(f"{section}.{key}", self._section(section).get(key), EventType)

    def _columns_called(self, section: str, key: str, table: str | None) -> list[Column]:
        """The columns called ``key`` in the tables the profile is for."""
        tables = TABLES.values() if table is None else [TABLES[table]]
        found = [each.column(key) for each in tables if key in each.places]
        if not found:
            raise self._refused(f"{section}.{key}", f"is no column of {'any table' if table is None else table}")
        return found

    def _values(self, section: str, table: str | None, time: TimeRule) -> dict[str, object]:
        """The constants or defaults, each fit for a column of its name."""
        values: dict[str, object] = {}
        for key, value in self._section(section).items():
            reasons: list[str] = []
            for column in self._columns_called(section, key, table):
                try:
                    reader_of(column, time)(value)
                except CellRefused as error:
                    reasons.append(str(error))
                else:
                    reasons.clear()
                    break
            if reasons:
                raise self._refused(f"{section}.{key}", reasons[0])
            values[key] = value.isoformat() if isinstance(value, date | datetime) else value
        return values

    def _sign(self) -> SignRule | None:
        section = self._section("quantity")
        if not section:
            return None
        for key in ("column", "negative", "positive"):
            if key not in section:
                raise self._refused(
                    f"quantity.{key}", "is missing; a signed column needs column, negative and positive"
                )
        return SignRule(
            column=self._text("quantity", section, "column"),
            negative=self._type("quantity", "negative"),
            positive=self._type("quantity", "positive"),
            zero=None if section.get("zero", "refuse") == "refuse" else self._type("quantity", "zero"),
        )

    def _time(self) -> TimeRule:
        section = self._section("time")
        zone, pattern = self._text("time", section, "zone"), self._text("time", section, "format")
        if pattern and pattern not in (EPOCH_SECONDS, EPOCH_MILLISECONDS) and "%" not in pattern:
            raise self._refused("time.format", f"{pattern!r} is neither a strptime pattern nor epoch_s or epoch_ms")
        ambiguous = self._word("time.ambiguous", section.get("ambiguous", Ambiguity.EARLIER.value), Ambiguity)
        try:
            return TimeRule(ZoneInfo(zone) if zone else None, pattern or None, ambiguous)
        except (KeyError, ValueError, OSError) as error:
            raise self._refused("time.zone", f"{zone!r} is no IANA time zone; write one like Europe/London") from error

    def _reconciliation(self) -> ReconciliationRule:
        section = self._section("reconciliation")
        tolerance = section.get("tolerance", 0)
        if isinstance(tolerance, bool) or not isinstance(tolerance, int) or tolerance < 0:
            raise self._refused("reconciliation.tolerance", f"{tolerance!r} is not a whole number of units, 0 or more")
        return ReconciliationRule(self._text("reconciliation", section, "winner"), tolerance)

    def _delimiter(self) -> str:
        section = self._section("file")
        delimiter = section.get("delimiter", ",")
        if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n\0' or not delimiter.isascii():
            raise self._refused("file.delimiter", f"{delimiter!r} is not one character such as a comma or semicolon")
        return delimiter
