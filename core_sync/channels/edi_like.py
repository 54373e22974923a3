"""A trading partner that is told stock by an 846 and acknowledges it by a 997: taken is not applied.

A push drops one interchange into the partner's mailbox. The 997 says later which lines were accepted; what the partner
shows is known from the 846 reports that it drops itself. Control numbers come from outside, since no two interchanges
may ever share one; a file's name comes from the figures in it, so that a repeat is seen as one.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import httpx

from core_sync.channels.batches import digest, push_in_batches
from core_sync.channels.budget import OUR_PACE, Budget, Pace
from core_sync.channels.edi_mailbox import Dropped, Mailbox
from core_sync.channels.edi_replies import Replies
from core_sync.channels.port import (
    Accepted,
    ChannelLimits,
    Finished,
    Progress,
    PushAnswer,
    PushRequest,
    ReadFailed,
    Reading,
    Rejected,
    Unknown,
    Working,
)
from core_sync.channels.x12 import Address, NewGroup, NotWritable, NotX12, read_interchanges, write_interchange
from core_sync.channels.x12_inventory import FUNCTIONAL_ID, SET_ID, Terms, advice_segments

_REQUESTS_PER_SECOND, _REQUESTS_AT_ONCE = 10.0, 19.0
_LINES_PER_FILE = 1_000
_VISIBLE_WITHIN_S = 3_600.0
_QUANTITY_MAX = 999_999_999
_SENT_KEPT = 200
_SENDINGS_MAX = 5
"""How often the same figures are sent again after the partner refused the file that told them."""


class EdiLike:
    """One trading partner; ``next_number`` gives a control number that was never given before."""

    def __init__(
        self,
        http: httpx.Client,
        address: Address,
        next_number: Callable[[], int],
        *,
        terms: Terms = Terms(),  # noqa: B008  # frozen
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pace: Pace = OUR_PACE,
    ) -> None:
        self._budget = Budget(_REQUESTS_PER_SECOND, _REQUESTS_AT_ONCE, pace)
        self._mailbox = Mailbox(http, self._budget)
        self._terms = terms
        self._replies = Replies(self._mailbox, terms)
        self._address = address
        self._next_number = next_number
        self._now = now
        self._sent: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def limits(self) -> ChannelLimits:
        """What is agreed with the partner."""
        return ChannelLimits(
            self._budget.rate,
            _LINES_PER_FILE,
            _VISIBLE_WITHIN_S,
            _LINES_PER_FILE,
            self._budget.burst,
            quantity_max=_QUANTITY_MAX,
        )

    def push(self, requests: Sequence[PushRequest]) -> Sequence[PushAnswer]:
        """Drop 846 files; the receipt is the name of the file that tells the figure."""
        until = self._budget.patient_until()
        with self._lock:
            return push_in_batches(requests, self.limits, lambda batch: self._submit(batch, until))

    def follow(self, receipts: Sequence[str]) -> Mapping[str, Progress]:
        """What the partner's 997 and TA1 say of the files named."""
        until = self._budget.patient_until()
        with self._lock:
            texts = {receipt: self._text(receipt, until) for receipt in receipts}
            self._replies.look(until)
            return {receipt: self._progress(receipt, text, until) for receipt, text in texts.items()}

    def read(self, skus: Sequence[str]) -> Reading:
        """What the partner's reports say it shows, and as of when."""
        until = self._budget.patient_until()
        with self._lock:
            self._replies.look(until)
            self._replies.read_reports(until)
            if not self._replies.has_reported:
                raise ReadFailed("the partner has not reported what it shows", "NO_REPORT")
            shown = dict(self._replies.shown)
        listed = [sku for sku in skus if sku in shown]
        as_of = {sku: at for sku in listed if (at := shown[sku].at) is not None}
        return Reading({sku: shown[sku].quantity for sku in listed}, as_of)

    def _submit(self, batch: Sequence[PushRequest], until: float) -> Mapping[str, PushAnswer]:
        skus = [request.sku for request in batch]
        name = digest([f"{request.sku}\x1e{request.quantity}\x1e{request.idempotency_key}" for request in batch])
        for sending in range(1, _SENDINGS_MAX + 1):
            file = f"846-{name}-{sending}.x12"
            try:
                text = self._written(batch)
            except NotWritable as error:
                return dict.fromkeys(skus, Rejected(str(error), "NOT_WRITABLE"))
            dropped = self._mailbox.drop(file, text, until)
            if not isinstance(dropped, Dropped):
                return dict.fromkeys(skus, dropped)
            if not dropped.before:
                self._keep(file, text)
            elif self._was_refused(file, until):
                continue
            return dict.fromkeys(skus, Accepted(file, receipt=file, exchange=dropped.exchange))
        return dict.fromkeys(skus, Rejected(f"the partner refused these figures {_SENDINGS_MAX} times", "EDI_REJECT"))

    def _written(self, batch: Sequence[PushRequest]) -> str:
        number, at = self._next_number(), self._now()
        figures = [(request.sku, request.quantity) for request in batch]
        segments = advice_segments(str(number), at, figures, terms=self._terms)
        return write_interchange(self._address, number, at, [NewGroup(FUNCTIONAL_ID, [(SET_ID, segments)])])

    def _was_refused(self, file: str, until: float) -> bool:
        """Whether a file that lies there already came to nothing, in whole or in part; unsure is no."""
        try:
            text = self._text(file, until)
            self._replies.look(until)
            progress = self._progress(file, text, until)
        except ReadFailed:
            return False
        return isinstance(progress, Finished) and (bool(progress.refused) or isinstance(progress.others, Rejected))

    def _text(self, file: str, until: float) -> str | None:
        """A file of ours as it lies in the mailbox; None where it never came there."""
        if file not in self._sent:
            text = self._mailbox.dropped(file, until)
            if text is None:
                return None
            self._keep(file, text)
        return self._sent[file]

    def _keep(self, file: str, text: str) -> None:
        self._sent[file] = text
        while len(self._sent) > _SENT_KEPT:
            del self._sent[next(iter(self._sent))]

    def _progress(self, file: str, text: str | None, until: float) -> Progress:
        if text is None:
            return Finished({}, Rejected("the file is not in the mailbox", "FILE_GONE", transient=True))
        try:
            [interchange] = read_interchanges(text)
        except (NotX12, ValueError):
            return Finished({}, Unknown("the file in the mailbox is not the one that we wrote", "GARBAGE"))
        return self._replies.outcome(file, interchange, until) or Working("no acknowledgement yet")
