"""The exposure window: how long others may draw on the stock before the channel shows it."""

from dataclasses import dataclass, field

from ml.exposure.terms import Basis, Term

ASSUMED_SYNC_AGE_H = 4.0
"""Taken for a channel of which no refresh was ever confirmed: half a working shift, the slowest batch we know."""

_NEVER_SEEN = "no late refresh of the channel was ever seen: taken as never"


@dataclass(frozen=True)
class Window:
    """Three spans in hours that follow one another, each measured, assumed or unknown.

    ``sync_age``: 90th percentile of the age of what the channel shows when it is next confirmed. ``confirmation``:
    from a push sent to the same figure visible. ``fulfilment``: from an order to its pick, while which our own books
    do not know that the unit is gone. Of the refreshes a ``late_share`` come later than twice the regular sync age,
    after ``late_times`` of it in the mean.

    Raises:
        ValueError: a span below 0, a share outside [0, 1], or late refreshes that are not late.
    """

    sync_age: Term
    confirmation: Term
    fulfilment: Term
    late_share: Term = field(default=Term(None, "share", Basis.UNKNOWN, _NEVER_SEEN))
    late_times: Term = field(default=Term(None, "times", Basis.UNKNOWN, _NEVER_SEEN))

    def __post_init__(self) -> None:
        for name, span in (("sync age", self.sync_age), ("confirmation", self.confirmation), ("pick", self.fulfilment)):
            if span.value is not None and not span.value >= 0:
                raise ValueError(f"{name} takes {span.value} hours")
        if self.late_share.value is not None and not 0 <= self.late_share.value <= 1:
            raise ValueError(f"a share of {self.late_share.value} of the refreshes is late")
        if self.late_times.value is not None and not self.late_times.value >= 1:
            raise ValueError(f"late refreshes take {self.late_times.value} times the regular window")

    def known(self) -> "Window":
        """The same with what is missing replaced, and said so: four hours between syncs, nothing for the others."""
        missing = f"no refresh of the channel was ever confirmed: taken as {ASSUMED_SYNC_AGE_H:g} h"
        return Window(
            _or_assume(self.sync_age, ASSUMED_SYNC_AGE_H, missing),
            _or_assume(self.confirmation, 0.0, "no push of the channel was ever read back: taken as at once"),
            _or_assume(self.fulfilment, 0.0, "no pick was ever recorded: taken as at once"),
            Term(0.0, "share", Basis.ASSUMED, _NEVER_SEEN) if self.late_share.value is None else self.late_share,
            Term(1.0, "times", Basis.ASSUMED, _NEVER_SEEN) if self.late_times.value is None else self.late_times,
        )

    @property
    def hours(self) -> float:
        """All three together; what is unknown counts as nothing."""
        return sum(span.value or 0.0 for span in (self.sync_age, self.confirmation, self.fulfilment))


def _or_assume(span: Term, hours: float, note: str) -> Term:
    return Term(hours, "h", Basis.ASSUMED, note) if span.value is None else span
