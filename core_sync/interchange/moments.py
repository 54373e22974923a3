"""Points in time as sources write them, read as aware UTC moments."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from zoneinfo import ZoneInfo

from core_sync.interchange.refusals import CellRefused

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_SECONDS = "epoch_s"
EPOCH_MILLISECONDS = "epoch_ms"
_EPOCH_UNITS = {EPOCH_SECONDS: Decimal(1_000_000), EPOCH_MILLISECONDS: Decimal(1_000)}
_MICROSECONDS_MAX = Decimal(253_402_300_799_999_999)  # the end of the year 9999


class Ambiguity(StrEnum):
    """What a local time means that the clocks show twice, when they are put back."""

    EARLIER = "earlier"
    LATER = "later"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class TimeRule:
    """How a source writes time.

    ``zone`` is the IANA zone of times that name none; without it they are refused. ``pattern`` is a
    ``strptime`` pattern, ``epoch_s`` or ``epoch_ms``; without it times are ISO 8601.
    """

    zone: ZoneInfo | None = None
    pattern: str | None = None
    ambiguity: Ambiguity = Ambiguity.EARLIER


def read_moment(cell: object, rule: TimeRule) -> datetime:
    """The aware UTC moment that ``cell`` (text, number, date or datetime) names under ``rule``.

    Raises:
        CellRefused: it names no moment, names two, or names one that the clocks jumped over.
    """
    if rule.pattern in _EPOCH_UNITS:
        return _since_epoch(cell, _EPOCH_UNITS[rule.pattern])
    if isinstance(cell, datetime):
        written = cell
    elif isinstance(cell, date):
        written = datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 the zone is given below
    elif isinstance(cell, str):
        written = _parsed(cell.strip(), rule.pattern)
    else:
        raise CellRefused(f"{cell!r} is not a time; write it like 2026-03-31T14:05:00Z")
    try:
        return (_placed(written, rule) if written.tzinfo is None else written).astimezone(UTC)
    except OverflowError as error:
        raise CellRefused(f"{cell} lies outside the years 1 to 9999") from error


def _parsed(text: str, pattern: str | None) -> datetime:
    try:
        if pattern is None:
            return datetime.fromisoformat(text)
        return datetime.strptime(text, pattern)  # noqa: DTZ007 the zone is given by the rule
    except ValueError as error:
        wanted = "2026-03-31T14:05:00Z" if pattern is None else pattern
        raise CellRefused(f"{text!r} is not a time; write it like {wanted}") from error


def _placed(local: datetime, rule: TimeRule) -> datetime:
    """``local`` in the zone of ``rule``, deciding openly where the clocks were put back or forward."""
    if rule.zone is None:
        raise CellRefused(
            f"{local.isoformat(sep=' ')} has no time zone; add one (…Z or …+01:00) or use a profile that names the zone"
        )
    first, second = local.replace(tzinfo=rule.zone, fold=0), local.replace(tzinfo=rule.zone, fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    if before == after or before is None or after is None:
        return first
    if before < after:
        raise CellRefused(
            f"{local.isoformat(sep=' ')} does not exist in {rule.zone.key}: the clocks were put forward over it; "
            "give the time with its offset"
        )
    if rule.ambiguity is Ambiguity.REFUSE:
        raise CellRefused(
            f"{local.isoformat(sep=' ')} happened twice in {rule.zone.key}, when the clocks were put back; "
            "give the time with its offset"
        )
    return first if rule.ambiguity is Ambiguity.EARLIER else second


def _since_epoch(cell: object, unit: Decimal) -> datetime:
    """The moment ``cell`` units after 1970, ``unit`` microseconds each."""
    try:
        microseconds = Decimal(str(cell).strip()) * unit
    except InvalidOperation as error:
        raise CellRefused(f"{cell!r} is not a number of seconds or milliseconds since 1970") from error
    if not microseconds.is_finite() or not 0 <= microseconds <= _MICROSECONDS_MAX:
        raise CellRefused(f"{cell} lies outside the years 1970 to 9999")
    return _EPOCH + timedelta(microseconds=int(microseconds))
