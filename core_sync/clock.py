"""Time: always aware, always UTC; in tables, whole microseconds since 1970.

Nothing below the doors asks the machine what time it is: the moment is handed in.
"""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """The present moment, aware, in UTC. Only the doors call it."""
    return datetime.now(UTC)


def to_microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970 of an aware ``moment``.

    Raises:
        ValueError: the moment has no zone, so it names no point in time.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """The aware UTC moment ``microseconds`` after 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)
