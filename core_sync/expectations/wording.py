"""What is missing, since when, and how long it usually takes: in words."""

from core_sync.clock import from_microseconds
from core_sync.expectations.kinds import KINDS
from core_sync.expectations.pace import Limit
from core_sync.expectations.reading import Open


def in_words(one: Open, limit: Limit, passed_s: float) -> str:
    """The sentence a person reads when an expectation is not met."""
    kind = KINDS[one.kind]
    line = f" line {one.line}" if one.line else ""
    units = f" ({one.quantity} of {one.sku} at {one.location})" if one.sku else ""
    usually = f"it usually takes {length(limit.usual_s)}, " if limit.usual_s is not None else ""
    worked = " of working time" if kind.in_working_time else ""
    return (
        f"no {kind.missing} of {one.document}{line}{units} since {kind.began} on "
        f"{from_microseconds(one.since):%Y-%m-%d %H:%M} UTC: {usually}at most {length(limit.limit_s)}{worked}, "
        f"and {length(passed_s)} have passed"
    )


def length(seconds: float) -> str:
    """A length as people say it: ``45 s``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    hours = round(minutes / 60)
    return f"{hours // 24} d" + (f" {hours % 24} h" if hours % 24 else "")
