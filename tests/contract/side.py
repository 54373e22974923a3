"""One channel under test: the connector, and the other end as the test sees it; and the three answers as checks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from core_sync.channels.port import Accepted, Channel, Exchange, Finished, PushAnswer, PushRequest, Rejected, Unknown
from simulation.peers.remote import RemotePeer

TOKEN = "tok-4711-not-for-anyone-else"
BEYOND_FLOATS = "9007199254740993"
LISTED: Mapping[str, int] = {"A": 3, "B/1 ü": 5, "C": 7, "D": 9, BEYOND_FLOATS: 11}

_keys = count(1)


@dataclass(frozen=True, slots=True)
class Side:
    """One channel under test.

    Args:
        channel: the connector. ``impatient`` makes another one, which waits a moment only for answers.
        unreachable: makes a connector whose endpoint nobody listens at.
        peer: the other end, where faults are ordered and figures counted. It lists ``LISTED``; where reads come in
            pages, these do not fit on one.
        withheld_s: how long a timed-out answer must be withheld for ``impatient`` to give up.
    """

    channel: Channel
    impatient: Callable[[], Channel]
    unreachable: Callable[[], Channel]
    peer: RemotePeer
    withheld_s: float

    def push(self, sku: str, quantity: int, shown: int | None = None) -> PushAnswer:
        """Push one figure, from what the listing shows at first where nothing else is said."""
        [answer] = self.channel.push([to(sku, quantity, shown)])
        return answer

    def final(self, requests: Sequence[PushRequest]) -> list[PushAnswer]:
        """The answers to a push, each with what follows where there is a receipt."""
        return [self.followed(one, answer) for one, answer in zip(requests, self.channel.push(requests), strict=True)]

    def followed(self, request: PushRequest, answer: PushAnswer) -> PushAnswer:
        """What became of an accepted figure; the answer itself where nothing is to follow."""
        if not isinstance(answer, Accepted) or answer.receipt is None:
            return answer
        progress = self.channel.follow([answer.receipt])[answer.receipt]
        assert isinstance(progress, Finished)
        return progress.answer(request.sku)

    def shows(self, sku: str) -> int | None:
        """What the connector reads."""
        return self.channel.read([sku]).get(sku)


def to(sku: str, quantity: int, shown: int | None = None, key: str | None = None) -> PushRequest:
    """A request; its key is a new one where none is given."""
    return PushRequest(sku, quantity, LISTED.get(sku) if shown is None else shown, key or f"key-{next(_keys)}")


def exchange_of(answer: PushAnswer) -> Exchange:
    assert answer.exchange is not None
    return answer.exchange


def refused(*, again: bool, after_s: float | None = None) -> Callable[[PushAnswer], None]:
    """Rejected; ``again`` says whether trying later may help, ``after_s`` when at the soonest."""

    def check(answer: PushAnswer) -> None:
        assert isinstance(answer, Rejected), answer
        assert answer.transient == again
        if after_s is not None:
            assert answer.retry_after_s == after_s

    return check


def accepted(answer: PushAnswer) -> None:
    assert isinstance(answer, Accepted), answer


def unknown(answer: PushAnswer) -> None:
    assert isinstance(answer, Unknown), answer
