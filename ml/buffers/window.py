"""The exposure window: how long others may draw on the stock before the channel shows it."""

from dataclasses import dataclass

from ml.exposure.terms import Basis, Term

ASSUMED_SYNC_AGE_H = 4.0
"""Taken for a channel of which no refresh was ever confirmed: half a working shift, the slowest batch we know."""


@dataclass(frozen=True)
class Window:
    """Three spans in hours that follow one another, each measured, assumed or unknown.

    ``sync_age``: 90th percentile of the age of what the channel shows when it is next confirmed. ``confirmation``:
    from a push sent to the same figure visible. ``fulfilment``: from an order to its pick, while which our own books
    do not know that the unit is gone.
    """

    sync_age: Term
    confirmation: Term
    fulfilment: Term

    def __post_init__(self) -> None:
        for name, span in (("sync age", self.sync_age), ("confirmation", self.confirmation), ("pick", self.fulfilment)):
            if span.value is not None and not span.value >= 0:
                raise ValueError(f"{name} takes {span.value} hours")

    def known(self) -> "Window":
        """The same with what is missing replaced, and said so: four hours between syncs, nothing for the others."""
        missing = "no refresh of the channel was ever confirmed"
        return Window(
            _or_assume(self.sync_age, ASSUMED_SYNC_AGE_H, missing),
            _or_assume(self.confirmation, 0.0, "no push of the channel was ever read back: taken as at once"),
            _or_assume(self.fulfilment, 0.0, "no pick was ever recorded: taken as at once"),
        )

    @property
    def hours(self) -> float:
        """All three together; what is unknown counts as nothing."""
        return sum(span.value or 0.0 for span in (self.sync_age, self.confirmation, self.fulfilment))


def _or_assume(span: Term, hours: float, note: str) -> Term:
    return Term(hours, "h", Basis.ASSUMED, note) if span.value is None else span
