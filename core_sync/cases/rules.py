"""What may be done to a case in which state, and how cases are ordered: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from core_sync.errors import VerbRefused


class Status(StrEnum):
    """Where a case stands."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    REGRESSED = "regressed"


ROOT_CAUSES = ("timeout", "sku_mapping", "stale_reservation", "duplicate", "posting_delay", "other")
"""What a person may say that the root cause is; the same words that the classifier uses."""

UNRESOLVED = tuple(status for status in Status if status is not Status.RESOLVED)
ON_THE_LIST = tuple(status for status in UNRESOLVED if status is not Status.SNOOZED)
"""What the worklist shows unless asked for more."""

AWAKE: Mapping[str, None] = MappingProxyType(dict.fromkeys(("snoozed_until", "snoozed_above", "snoozed_stock_below")))
"""The columns of a case that is not asleep: nothing is waited for."""

REGRESSION_WINDOW = timedelta(days=14)
"""A case that comes back within this time of being resolved is the same case, regressed."""

_ANY = tuple(Status)
_ALLOWED: Mapping[str, tuple[Status, ...]] = MappingProxyType(
    {
        "acknowledge": (Status.NEW, Status.REGRESSED, Status.SNOOZED),
        "begin": (Status.NEW, Status.ACKNOWLEDGED, Status.WAITING, Status.REGRESSED, Status.SNOOZED),
        "wait": (Status.NEW, Status.ACKNOWLEDGED, Status.IN_PROGRESS, Status.REGRESSED, Status.SNOOZED),
        "assign": UNRESOLVED,
        "note": _ANY,
        "override": UNRESOLVED,
        "snooze": UNRESOLVED,
        "merge": UNRESOLVED,
        "split": UNRESOLVED,
        "resolve": UNRESOLVED,
        "reopen": (Status.RESOLVED,),
    }
)


def check_allowed(verb: str, case_id: int, status: str) -> None:
    """Raises ``VerbRefused`` where ``verb`` makes no sense for a case that is ``status``."""
    if Status(status) not in _ALLOWED[verb]:
        raise VerbRefused(verb, f"case {case_id}", f"it is {status}")


@dataclass(frozen=True, slots=True)
class Override:
    """What a person says instead of the model, until ``until`` (None: until taken back)."""

    root_cause: str | None
    rank: int | None
    reason: str | None
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether it still counts at ``at``."""
        return (self.root_cause is not None or self.rank is not None) and (self.until is None or at < self.until)


_HARM_SHARE = 0.004
"""Below half of the smallest difference of money that shows (0.01), so it only decides between equals."""


_CHANCE_SHARE = 0.0004
"""Smaller again: it decides where no money can be told at all."""


def rank_value(expected_loss: int | None, time_to_harm_h: float | None, fault_probability: float) -> float:
    """What the feed is ordered by, higher first: expected loss, then what harms sooner, then what is surer.

    Args:
        expected_loss: ten-thousandths of the reporting currency; None counts as nothing.
        time_to_harm_h: hours until the first unit is lost; None says that it is not known.
        fault_probability: the chance that it is a fault at all.
    """
    cents = round((expected_loss or 0) / 10_000, 2)
    soonness = 0.0 if time_to_harm_h is None else 1.0 / (1.0 + max(time_to_harm_h, 0.0))
    return cents + _HARM_SHARE * soonness + _CHANCE_SHARE * fault_probability
