"""Cut a push into the submissions that a channel takes, and put the answers back into the order of the requests."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from core_sync.channels.port import NOT_SENT, OVER_BUDGET, ChannelLimits, PushAnswer, PushRequest, Rejected, Unknown

Submit = Callable[[Sequence[PushRequest]], Mapping[str, PushAnswer]]
"""Sends one submission; answers by SKU."""

T = TypeVar("T")


def push_in_batches(requests: Sequence[PushRequest], limits: ChannelLimits, submit: Submit) -> list[PushAnswer]:
    """Send ``requests`` in order, ``limits.skus_per_push`` in one submission; figures out of range are not sent.

    After a submission that got no answer, or was kept back for lack of budget, nothing more is tried: a channel that
    is silent costs one time-out, and what comes later does not overtake.

    Raises:
        ValueError: two requests are about one SKU, so that their order would decide.
    """
    if len({request.sku for request in requests}) < len(requests):
        raise ValueError("a push names each SKU once")
    answers: dict[str, PushAnswer] = {
        request.sku: _out_of_range(request, limits)
        for request in requests
        if not 0 <= request.quantity <= limits.quantity_max
    }
    stopped: Rejected | None = None
    for batch in chunks([request for request in requests if request.sku not in answers], limits.skus_per_push):
        if stopped is None:
            told = submit(batch)
            answers.update(told)
            stopped = next((stop for answer in told.values() if (stop := _stops(answer)) is not None), None)
        else:
            answers.update(dict.fromkeys((request.sku for request in batch), stopped))
    return [answers[request.sku] for request in requests]


def _out_of_range(request: PushRequest, limits: ChannelLimits) -> Rejected:
    return Rejected(f"{request.quantity} is not within 0 and {limits.quantity_max}", "INVALID_QUANTITY")


def _stops(answer: PushAnswer) -> Rejected | None:
    """What is answered to all that comes after ``answer``; None where the channel answers and may be asked on."""
    if isinstance(answer, Rejected) and answer.code in (OVER_BUDGET, NOT_SENT):
        return answer
    if isinstance(answer, Unknown):
        return Rejected("not tried, since the one before got no answer", NOT_SENT, transient=True)
    return None


def over_budget(wait_s: float) -> Rejected:
    """The answer for what was not sent since the channel would have said no."""
    return Rejected("the channel's limit is reached for now", OVER_BUDGET, transient=True, retry_after_s=wait_s)


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """``items`` in order, ``size`` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def submission_name(batch: Sequence[PushRequest]) -> str:
    """A name for what is submitted together: the same values again have the same one."""
    return digest([request.idempotency_key for request in batch])


def digest(parts: Sequence[object]) -> str:
    """A name for ``parts`` in their order, the same wherever and whenever it is made; 24 characters."""
    told = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(told.encode()).hexdigest()[:24]
