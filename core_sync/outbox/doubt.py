"""What pushes that are not settled may still make a listing show: those without an answer, and those still queued."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from core_sync.clock import to_microseconds


@dataclass(frozen=True, slots=True)
class Doubt:
    """Some figure from ``least`` to ``most`` may still arrive until ``until``, in microseconds.

    ``until`` is None while nobody has said how long the channel may take: the answer to the next push settles it.
    """

    least: int
    most: int
    until: int | None

    @classmethod
    def of(cls, least: int | None, most: int | None, until: int | None) -> Self | None:
        """As a row keeps it."""
        return None if least is None or most is None else cls(least, most, until)

    def also(self, quantity: int, until: int) -> "Doubt":
        """One more figure that may arrive."""
        return Doubt(min(self.least, quantity), max(self.most, quantity), max(self.until or 0, until))

    def may_be(self, shown: int, promised: int) -> bool:
        """Whether ``shown`` is such a figure, or so much that no sale of the channel's own can explain it."""
        return shown > promised or self.least <= shown <= self.most

    def ends_after(self, at: datetime) -> bool:
        """Whether something may still arrive at ``at``."""
        return self.until is None or self.until > to_microseconds(at)

    def could_spoil(self, promised: int) -> bool:
        """Whether what arrives would be another figure than ``promised``."""
        return (self.least, self.most) != (promised, promised)

    def bounded(self, at: datetime, within_s: float) -> "Doubt":
        """Its end told, where nobody has yet: ``within_s`` seconds after ``at``."""
        return self if self.until is not None else Doubt(self.least, self.most, ends(at, within_s))

    def row(self) -> dict[str, int | None]:
        """As a row keeps it."""
        return {"doubt_least": self.least, "doubt_most": self.most, "doubt_until": self.until}


def ends(at: datetime, within_s: float) -> int:
    """The end of a doubt that began ``at``, in microseconds."""
    return to_microseconds(at + timedelta(seconds=within_s))
