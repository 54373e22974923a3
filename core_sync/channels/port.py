"""What a channel promises us: push figures, read them back, and say how fast it may be asked.

A push has three answers, not two. ``Rejected``: it surely was not applied. ``Unknown``: the request
left us and the answer did not come whole; only reading back settles it. ``Accepted``: the channel
took it, which is not yet that it shows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PushRequest:
    """One listing shall show ``quantity`` units.

    ``shown_quantity`` is what we last saw it show, for channels that compare before they set;
    ``idempotency_key`` names this value of this listing, so that a repeat is seen as one.
    """

    sku: str
    quantity: int
    shown_quantity: int | None
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The channel took the figure; ``reference`` is its own name for the submission, if it gave one."""

    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The channel did not apply the figure, and said so; or the request never left us.

    Args:
        reason: what the channel said. ``code``: its error code, ``NOT_SENT`` where no connection came about.
        http_status: None where there was no answer.
        transient: whether the same request may succeed later without a person mending anything.
        retry_after_s: how long the channel asked us to wait.
    """

    reason: str
    code: str
    http_status: int | None = None
    transient: bool = False
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request left us and no whole answer came back: it may or may not have been applied."""

    why: str
    code: str = "NO_ANSWER"
    http_status: int | None = None


PushAnswer = Accepted | Rejected | Unknown


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """How fast a channel may be asked, and how long it may take to show what it accepted."""

    pushes_per_second: float
    skus_per_push: int
    visible_within_s: float


class ReadFailed(Exception):
    """The channel could not be read; what it shows is not known now."""

    def __init__(self, why: str, code: str, http_status: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        self.http_status = http_status


class Channel(Protocol):
    """One place where listings show stock."""

    limits: ChannelLimits

    def push(self, request: PushRequest) -> PushAnswer:
        """Ask that one listing show a quantity. Never raises for what the network or the channel does."""
        ...

    def read(self, skus: Sequence[str]) -> Mapping[str, int]:
        """What the channel shows now; a SKU that it does not list is left out.

        Raises:
            ReadFailed: no whole answer came.
        """
        ...
