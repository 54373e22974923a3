"""A simulated trading partner: works on what lies in its mailbox, acknowledges it, and reports what it shows.

Each interchange is answered by a TA1 where its envelope is wrong or its number was used before, else by a 997: A, E
with the lines that were not taken, or R. What changed on its shelves is reported by an 846 of its own.
"""

from dataclasses import dataclass, field
from datetime import datetime

from core_sync.channels.x12 import (
    Address,
    Group,
    Interchange,
    NewGroup,
    NotX12,
    Segment,
    TransactionSet,
    read_interchanges,
    write_interchange,
)
from core_sync.channels.x12_inventory import (
    AVAILABLE,
    CHANGE,
    FUNCTIONAL_ID,
    ORIGINAL,
    AdviceLine,
    advice_segments,
    read_advice,
)
from simulation.peers.bucket import Bucket
from simulation.peers.conduct import Conduct
from simulation.peers.faults import Fault, FaultKind
from simulation.peers.shelf import Shelf

PARTNER, SUPPLIER = "PARTNER", "SUPPLIER"
"""Names of the partner and of us in envelopes."""

_FULL_EVERY = 20
"""Every so many reports, one tells everything, so that nobody must read them all."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file that lies in the mailbox; worked on when the peer's clock comes to ``due_s``, None never comes."""

    name: str
    text: str
    due_s: float | None
    fault: Fault | None


@dataclass
class Partner:
    """``inbound`` is what we dropped, ``outbound`` what it answers; both by name, in order."""

    shelf: Shelf
    conduct: Conduct
    bucket: Bucket
    report_every_s: float
    inbound: dict[str, Dropped] = field(default_factory=dict)
    outbound: dict[str, str] = field(default_factory=dict)
    waiting: list[Dropped] = field(default_factory=list)
    stuck: dict[str, tuple[int, str]] = field(default_factory=dict)
    _numbers_seen: set[str] = field(default_factory=set)
    _reported: dict[str, int] = field(default_factory=dict)
    _reports: int = 0
    _reported_s: float = float("-inf")
    _last_number: int = 0

    @property
    def shown(self) -> dict[str, int]:
        """Units by SKU."""
        return self.shelf.shown

    def drop(self, dropped: Dropped) -> None:
        """Take a file into the mailbox."""
        self.inbound[dropped.name] = dropped
        self.waiting.append(dropped)

    def work(self) -> None:
        """Work on what is due, in the order in which it was dropped; then report what changed, if it is time to."""
        now = self.conduct.clock()
        due = [dropped for dropped in self.waiting if dropped.due_s is not None and dropped.due_s <= now]
        self.waiting = [dropped for dropped in self.waiting if dropped not in due]
        for dropped in due:
            self._work_on(dropped)
        if now - self._reported_s >= self.report_every_s:
            self._report(now)

    def settle(self) -> int:
        """Work on everything that was ever dropped, and apply what was accepted and held back."""
        count = len(self.waiting) + len(self.stuck)
        for dropped in self.waiting:
            self._work_on(dropped)
        for sku, (quantity, submission) in self.stuck.items():
            self.shelf.set(sku, quantity, submission)
        self.waiting, self.stuck = [], {}
        return count

    def _work_on(self, dropped: Dropped) -> None:
        try:
            interchanges = read_interchanges(dropped.text)
        except NotX12:
            return  # nobody to answer
        for interchange in interchanges:
            code = self._envelope_code(interchange)
            if code:
                self._answer(
                    "TA1", interchange.control_number, (), [_ta1(interchange, self.conduct.clock.moment, code)]
                )
                continue
            self._numbers_seen.add(interchange.control_number)
            for group in interchange.groups:
                self._work_on_group(group, dropped)

    def _envelope_code(self, interchange: Interchange) -> str:
        """TA105, the reason for which an interchange is refused; empty where there is none."""
        if interchange.control_number in self._numbers_seen:
            return "025"
        if interchange.receiver != PARTNER:
            return "008"
        if interchange.problems:
            return "001" if "02 is" in interchange.problems[0] else "021"
        return ""

    def _work_on_group(self, group: Group, dropped: Dropped) -> None:
        answers: list[Segment] = [("AK1", group.functional_id, group.control_number)]
        statuses = []
        for transaction in group.transactions:
            answers.append(("AK2", transaction.set_id, transaction.control_number))
            status, noted = self._work_on_set(transaction, dropped)
            answers += [*noted, ("AK5", status, *(("5",) if status != "A" else ()))]
            statuses.append(status)
        taken = sum(status != "R" for status in statuses)
        worst = "R" if not taken else "P" if "R" in statuses else "E" if "E" in statuses else "A"
        count = str(len(statuses))
        answers.append(("AK9", worst, count, count, str(taken)))
        self._answer("997", group.control_number, [NewGroup("FA", [("997", answers)])])

    def _work_on_set(self, transaction: TransactionSet, dropped: Dropped) -> tuple[str, list[Segment]]:
        """AK501, and the AK3 and AK4 that say what is wrong; what is right is shown from now on."""
        fault, kind = dropped.fault, dropped.fault.kind if dropped.fault else None
        try:
            lines = list(read_advice(transaction).lines)
        except NotX12:
            return "R", []
        if transaction.problems or kind is FaultKind.REFUSED_LATER:
            return "R", []
        noted: list[Segment] = []
        for place, line in enumerate(lines):
            sku, quantity = line.item.get("SK", ""), line.quantities.get(AVAILABLE, -1)
            refused = kind is FaultKind.PARTLY_REFUSED_LATER and place == 0
            if refused or sku not in self.shown or quantity < 0:
                noted += _wrong(line, "QTY" if quantity < 0 else "LIN")
            elif fault is not None and fault.holds_back:
                self.stuck[sku] = (quantity, dropped.name)
            else:
                self.shelf.set(sku, quantity, dropped.name)
        return ("E" if noted else "A"), noted

    def _report(self, now: float) -> None:
        full = self._reports % _FULL_EVERY == 0
        changed = {sku: units for sku, units in self.shown.items() if self._reported.get(sku) != units}
        gone = [sku for sku in self._reported if sku not in self.shown]
        if not changed and not gone and self._reports:
            return
        full = full or bool(gone)
        told = self.shown if full else changed
        purpose = ORIGINAL if full else CHANGE
        moment = self.conduct.clock.moment_at(now)
        segments = advice_segments(f"R{self._reports + 1}", moment, sorted(told.items()), purpose=purpose)
        self._answer("846-full" if full else "846", "", [NewGroup(FUNCTIONAL_ID, [("846", segments)])])
        self._reported = dict(self.shown)
        self._reports += 1
        self._reported_s = now

    def _answer(
        self,
        kind: str,
        reference: str,
        groups: "list[NewGroup] | tuple[()]",
        acknowledgements: "list[Segment] | tuple[()]" = (),
    ) -> None:
        """Put a file into the outbound folder: ``SEQUENCE-KIND[-REFERENCE].x12``."""
        self._last_number += 1
        number, moment = self._last_number, self.conduct.clock.moment
        text = write_interchange(Address(PARTNER, SUPPLIER), number, moment, groups, acknowledgements)
        name = "-".join(part for part in (f"{number:012d}", kind, reference) if part)
        self.outbound[f"{name}.x12"] = text


def _ta1(interchange: Interchange, at: datetime, code: str) -> Segment:
    return ("TA1", interchange.control_number, at.strftime("%y%m%d"), at.strftime("%H%M"), "R", code)


def _wrong(line: AdviceLine, tag: str) -> list[Segment]:
    """What a 997 says of a line that was not taken: an invalid code, or a quantity out of range."""
    if tag == "LIN":
        return [("AK3", "LIN", str(line.position), "", "8"), ("AK4", "3", "234", "7", line.item.get("SK", ""))]
    return [("AK3", "QTY", str(line.position + 1), "", "8"), ("AK4", "2", "380", "6")]
