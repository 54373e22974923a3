"""What a channel promises us: push figures, follow what it queued, read figures back, and say how fast it may be asked.

A push has three answers, not two. ``Rejected``: it surely was not applied. ``Unknown``: the request
left us and the answer did not come whole; only reading back settles it. ``Accepted``: the channel
took it, which is not yet that it shows it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

NOT_SENT = "NOT_SENT"
"""Code of a ``Rejected`` whose request never left us: no connection came about."""

OVER_BUDGET = "OVER_BUDGET"
"""Code of a ``Rejected`` that we kept back ourselves, since the channel would have said no; see ``retry_after_s``."""

STALE = "STALE"
"""Code of a ``Rejected`` by a channel that compares before it sets; see ``shown_quantity``."""

UNKNOWN_LISTING = "UNKNOWN_SKU"
"""Code of a ``Rejected`` for a SKU that the channel does not list."""


@dataclass(frozen=True, slots=True)
class PushRequest:
    """One listing shall show ``quantity`` units.

    ``shown_quantity`` is what we last saw it show: the token of channels that compare before they set (None: the
    connector looks first, and sets from what it finds). ``idempotency_key`` names this value of this listing, so that
    a repeat is seen as one.
    """

    sku: str
    quantity: int
    shown_quantity: int | None
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """The request that decided an answer, and what came back; fit to be kept as evidence.

    Args:
        operation: the channel's own name for it, e.g. ``patchListingsItem``, ``846``.
        request: method, path and body; ``response``: the body as it came, None where none came. Secrets and personal
            data are replaced and both are cut to a bounded size before they stand here.
        http_status: None where no status line came.
        request_id: the channel's own name for the request, for questions to its support.
        latency_ms: from the first try to the end of the last one. ``attempts``: tries within this one call.
    """

    operation: str
    request: str
    response: str | None = None
    http_status: int | None = None
    request_id: str | None = None
    latency_ms: float = 0.0
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Accepted:
    """The channel took the figure.

    Args:
        reference: its own name for the submission, if it gave one.
        receipt: what ``follow`` takes, where the channel queued the figure and tells later what became of it; the
            figures of one batch may share one. None: only reading back tells.
    """

    reference: str | None = None
    receipt: str | None = None
    exchange: Exchange | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The channel did not apply the figure, and said so; or the request never left us.

    Args:
        reason: what the channel said. ``code``: its error code, or one of this file's.
        http_status: None where there was no answer.
        transient: whether the same request may succeed later without a person mending anything.
        retry_after_s: how long the channel asked us to wait.
        shown_quantity: with code ``STALE``, what the listing shows now: push again from it, if the figure still holds.
    """

    reason: str
    code: str
    http_status: int | None = None
    transient: bool = False
    retry_after_s: float | None = None
    shown_quantity: int | None = None
    exchange: Exchange | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request left us and no whole answer came back: it may or may not have been applied."""

    why: str
    code: str = "NO_ANSWER"
    http_status: int | None = None
    exchange: Exchange | None = field(default=None, compare=False)


PushAnswer = Accepted | Rejected | Unknown


@dataclass(frozen=True, slots=True)
class Working:
    """The channel has not finished with a receipt; ``state`` is its own word for where it stands."""

    state: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The channel is through with a receipt: ``refused`` by SKU, and what holds for all its other SKUs.

    ``others`` is ``Unknown`` where the channel gave up in the middle.
    """

    refused: Mapping[str, Rejected]
    others: PushAnswer

    def answer(self, sku: str) -> PushAnswer:
        """What became of one SKU."""
        return self.refused.get(sku, self.others)


Progress = Working | Finished


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """How a channel may be asked.

    Args:
        pushes_per_second: requests that write; a request carries up to ``skus_per_push`` listings.
        visible_within_s: how long it may take to show what it accepted.
        skus_per_read: listings that one request reads.
        burst: requests that may come at once after a rest.
        compares: whether it compares ``shown_quantity`` before it sets.
        quantity_max: the largest figure that it takes.
    """

    pushes_per_second: float
    skus_per_push: int
    visible_within_s: float
    skus_per_read: int = 1
    burst: float = 1.0
    compares: bool = False
    quantity_max: int = 2**31 - 1


@dataclass(frozen=True, slots=True, eq=False)  # equal as mappings are
class Reading(Mapping[str, int]):
    """Units by SKU as a channel shows them; ``as_of`` says when they held, for SKUs of which the channel tells it.

    A figure without ``as_of`` held when it was read.
    """

    quantities: Mapping[str, int]
    as_of: Mapping[str, datetime] = field(default_factory=dict)

    def __getitem__(self, sku: str) -> int:
        return self.quantities[sku]

    def __iter__(self) -> Iterator[str]:
        return iter(self.quantities)

    def __len__(self) -> int:
        return len(self.quantities)


class ReadFailed(Exception):
    """The channel could not be read; what it shows is not known now."""

    def __init__(
        self,
        why: str,
        code: str,
        http_status: int | None = None,
        retry_after_s: float | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        self.http_status = http_status
        self.retry_after_s = retry_after_s
        self.exchange = exchange


class Channel(Protocol):
    """One place where listings show stock.

    A connector tries again by itself only what passes within seconds and surely was not applied; whatever comes back
    from here is for the caller to try later. It spends the channel's budget: what would go beyond it is not sent.
    """

    @property
    def limits(self) -> ChannelLimits:
        """What holds now; a connector that learns from the channel's answers tells what it learnt."""
        ...

    def push(self, requests: Sequence[PushRequest]) -> Sequence[PushAnswer]:
        """Ask that listings show quantities; one answer for each request, in their order.

        Any number of requests, each of another SKU; they go out in the order given, in as many submissions as the
        limits ask for. Never raises for what the network or the channel does.
        """
        ...

    def follow(self, receipts: Sequence[str]) -> Mapping[str, Progress]:
        """How far the channel is with what it queued; every receipt is answered.

        Raises:
            ReadFailed: no whole answer came.
        """
        ...

    def read(self, skus: Sequence[str]) -> Reading:
        """What the channel shows now, any number of SKUs, paged within; a SKU that it does not list is left out.

        Raises:
            ReadFailed: no whole answer came; nothing of what was read until then is told.
        """
        ...
