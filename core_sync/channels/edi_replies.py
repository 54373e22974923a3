"""What a trading partner put into the mailbox for us: acknowledgements of our files, and reports of what it shows.

Names are listed once; a file is fetched when somebody needs what is in it, and remembered. A file that cannot be read
fails the look that needs it; after some looks it is set aside, so that one spoilt file does not end all reading.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from core_sync.channels.edi_mailbox import Mailbox
from core_sync.channels.port import Accepted, Finished, PushAnswer, ReadFailed, Rejected
from core_sync.channels.x12 import Interchange, NotX12, TransactionSet, read_interchanges
from core_sync.channels.x12_acknowledgement import (
    ACCEPTED,
    DUPLICATE_INTERCHANGE,
    PARTLY,
    GroupAcknowledgement,
    SegmentError,
    group_acknowledgements,
    interchange_acknowledgements,
)
from core_sync.channels.x12_inventory import ORIGINAL, SET_ID, Terms, read_advice

_LOOKS_MAX = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """Units that a report tells, and when they held."""

    quantity: int
    at: datetime | None


class Replies:
    """What is known of one mailbox; ``shown`` is what its reports come to, once there is one (``has_reported``)."""

    def __init__(self, mailbox: Mailbox, terms: Terms) -> None:
        self.shown: dict[str, Shown] = {}
        self.has_reported = False
        self._mailbox = mailbox
        self._terms = terms
        self._seen = ""
        self._reports: list[str] = []
        self._acknowledging: dict[tuple[str, str], str] = {}
        self._unreadable: Counter[str] = Counter()

    def look(self, until: float) -> None:
        """List what is new.

        Raises:
            ReadFailed: no whole answer came.
        """
        for name in self._mailbox.names(self._seen, until):
            _, _, kind = name.removesuffix(".x12").partition("-")
            kind, _, reference = kind.partition("-")
            if kind == SET_ID:
                if reference == "full":
                    self._reports.clear()  # whatever came before is told again
                self._reports.append(name)
            else:
                self._acknowledging[kind, reference.lstrip("0")] = name
            self._seen = name

    def read_reports(self, until: float) -> None:
        """Take in the reports that are new.

        Raises:
            ReadFailed: no whole answer came, or a report cannot be read.
        """
        while self._reports:
            interchange = self._interchange(self._reports[0], until)
            if interchange is not None:
                self._take_in(self._reports[0], interchange)
            del self._reports[0]

    def outcome(self, file: str, sent: Interchange, until: float) -> Finished | None:
        """What became of an interchange of ours, sent as ``file``; None where nothing is acknowledged yet.

        Raises:
            ReadFailed: no whole answer came, or an acknowledgement cannot be read.
        """
        refused = self._refused_whole(sent, until)
        if refused is not None:
            return Finished({}, refused)
        for group in sent.groups:
            name = self._acknowledging.get(("997", group.control_number.lstrip("0")))
            reply = self._interchange(name, until) if name else None
            if reply is None:
                return None
            for told in group_acknowledgements(reply):
                if told.control_number.lstrip("0") == group.control_number.lstrip("0"):
                    return _outcome(told, group.transactions[0], file, self._terms)
        return None

    def _refused_whole(self, sent: Interchange, until: float) -> Rejected | None:
        """What a TA1 says, where it refuses the interchange."""
        name = self._acknowledging.get(("TA1", sent.control_number.lstrip("0")))
        reply = self._interchange(name, until) if name else None
        for told in interchange_acknowledgements(reply) if reply else ():
            if told.status == "R":
                again = told.code == DUPLICATE_INTERCHANGE
                return Rejected(f"the partner refused the interchange: TA105 {told.code}", "EDI_TA1", transient=again)
        return None

    def _interchange(self, name: str, until: float) -> Interchange | None:
        """A file of the partner's; None for one that was set aside."""
        if self._unreadable[name] >= _LOOKS_MAX:
            return None
        text = self._mailbox.fetch(name, until)
        try:
            [interchange] = read_interchanges(text)
        except (NotX12, ValueError) as error:
            self._unreadable[name] += 1
            raise ReadFailed(f"{name}: {error}", "GARBAGE") from error
        self._unreadable.pop(name, None)
        return interchange

    def _take_in(self, name: str, interchange: Interchange) -> None:
        self.has_reported = True
        for group in interchange.groups:
            for transaction in group.transactions:
                try:
                    advice = read_advice(transaction)
                except NotX12 as error:
                    self._unreadable[name] += 1
                    raise ReadFailed(f"{name}: {error}", "GARBAGE") from error
                if advice.purpose == ORIGINAL:
                    self.shown.clear()
                for line in advice.lines:
                    if self._terms.item in line.item and self._terms.quantity in line.quantities:
                        shown = Shown(line.quantities[self._terms.quantity], advice.at)
                        self.shown[line.item[self._terms.item]] = shown


def _outcome(told: GroupAcknowledgement, sent: TransactionSet, file: str, terms: Terms) -> Finished:
    """A group that holds one 846, as its 997 tells of it: the set's own status where it stands, else the group's."""
    set_ = next((one for one in told.sets if one.set_id == SET_ID), None)
    status, codes = (set_.status, set_.codes) if set_ else (told.status, told.codes)
    errors = set_.errors if set_ else ()
    if status in ACCEPTED:
        return Finished({}, Accepted(file))
    if status in PARTLY:
        return Finished(_refused_lines(errors, sent, terms), Accepted(file))
    return Finished({}, _rejected(codes, errors))


def _rejected(codes: tuple[str, ...], errors: tuple[SegmentError, ...]) -> PushAnswer:
    noted = "; ".join(f"{error.tag} at {error.position}: {','.join(error.codes + error.elements)}" for error in errors)
    reason = f"the partner refused the 846: AK502 {','.join(codes) or 'not told'}"
    return Rejected(f"{reason}; {noted}" if noted else reason, "EDI_REJECT")


def _refused_lines(errors: tuple[SegmentError, ...], sent: TransactionSet, terms: Terms) -> dict[str, Rejected]:
    """SKUs whose LIN, or a segment below it, was noted as wrong."""
    lines = read_advice(sent).lines
    refused: dict[str, Rejected] = {}
    for error in errors:
        line = next((one for one in reversed(lines) if one.position <= error.position), None)
        if line is not None:
            noted = ",".join(error.codes + error.elements)
            reason = f"the partner did not take the line: {error.tag} at segment {error.position}, {noted}"
            refused.setdefault(line.item.get(terms.item, ""), Rejected(reason, "EDI_LINE_REJECT"))
    return refused
