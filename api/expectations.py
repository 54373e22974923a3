"""Expectations as doors show and set them."""

from dataclasses import asdict
from datetime import timedelta

from api.shapes import Shape
from api.wiring import World
from core_sync.errors import VerbRefused
from core_sync.expectations.limits import learn_again, set_limit
from core_sync.expectations.listing import list_expectations

OFF, LEARNED = "off", "learned"
"""Said in place of a length: it is not expected; what is learned decides."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def expectation_rows(world: World, kind: str | None = None) -> list[Shape]:
    """Every expectation, or those of one kind."""
    with world.database.reading() as connection:
        return [asdict(one) for one in list_expectations(connection, world.clock(), kind)]


def say(world: World, kind: str, said: str, actor: str, reason: str, source: str = "", location: str = "") -> None:
    """Set how long ``kind`` may take: a length (``90m``, ``4h``, ``2d``), ``off`` or ``learned``.

    Raises:
        NotFound: there is no such kind.
        VerbRefused: it is no length that something can take, no reason is given, or nothing was set that could be
            taken back.
    """
    with world.database.transaction() as connection:
        if said == LEARNED:
            learn_again(connection, kind, actor, reason, world.clock(), source, location)
        else:
            seconds = None if said == OFF else _seconds(kind, said)
            set_limit(connection, kind, seconds, actor, reason, world.clock(), source, location)


def _seconds(kind: str, said: str) -> float:
    number, unit = said[:-1], said[-1:]
    try:
        return timedelta(**{_UNITS[unit]: float(number)}).total_seconds()
    except (KeyError, ValueError, OverflowError) as error:
        why = f"{said!r} is no length; write 90m, 4h or 2d, or say {OFF} or {LEARNED}"
        raise VerbRefused("set", kind, why) from error
