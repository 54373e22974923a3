"""Read and write X12 interchanges: envelopes, control numbers and counts; what stands inside is for others.

An interchange is ISA … IEA around groups (GS … GE) around transaction sets (ST … SE). Its delimiters are told by the
ISA itself. Partners send more than the standard allows (a byte order mark, indentation, an ISA that is too short,
another terminator), and all of it is read; counts and control numbers that disagree are told as problems, since what
to do about them is the reader's decision. Source: ASC X12.5 and X12.6.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core_sync.errors import StocktriageError

Segment = tuple[str, ...]
"""A segment's tag and its elements: element n stands at index n. Empty elements at the end may be left out."""

ISA_ELEMENTS = 16
_WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
CONTROL_NUMBER_MAX = 999_999_999


class NotX12(StocktriageError):
    """What was read is no interchange; ``offset`` is where in the text reading stopped."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"not an X12 interchange: {reason} (at character {offset})")
        self.reason = reason
        self.offset = offset


class NotWritable(StocktriageError):
    """``value`` cannot stand in an interchange."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(f"{value!r} cannot be written as X12: {reason}")
        self.value = value
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TransactionSet:
    """One document; ``segments`` are those between ST and SE, so that the first of them is number 2 of the set."""

    set_id: str
    control_number: str
    segments: Sequence[Segment]
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Documents of one kind; ``functional_id`` is that of GS01, such as ``IB`` for inventory."""

    functional_id: str
    control_number: str
    transactions: Sequence[TransactionSet]
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Interchange:
    """What one partner sent another in one go; ``acknowledgements`` are the TA1 segments that came with it."""

    sender: str
    receiver: str
    control_number: str
    groups: Sequence[Group]
    acknowledgements: Sequence[Segment] = ()
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """Who an interchange is from and for: qualifier and name each, as agreed with the partner."""

    sender: str
    receiver: str
    sender_qualifier: str = "ZZ"
    receiver_qualifier: str = "ZZ"


@dataclass(frozen=True, slots=True)
class _Delimiters:
    element: str
    component: str
    segment: str


def read_interchanges(text: str) -> list[Interchange]:
    """Every interchange in ``text``, in order.

    Raises:
        NotX12: it does not begin with an ISA, or an envelope is not closed.
    """
    offset = _begin(text, 0)
    if offset is None:
        raise NotX12("it holds nothing", 0)
    read = []
    while offset is not None:
        interchange, end = _read_one(text, offset)
        read.append(interchange)
        offset = _begin(text, end)
    return read


def _begin(text: str, offset: int) -> int | None:
    """Where the next interchange begins; None at the end of the text."""
    while offset < len(text) and (text[offset].isspace() or text[offset] == "\ufeff"):
        offset += 1
    return offset if offset < len(text) else None


def _delimiters(text: str, offset: int) -> _Delimiters:
    """The delimiters that an ISA tells by standing where they stand, however long its elements are."""
    if not text.startswith("ISA", offset) or len(text) < offset + 4:
        raise NotX12("it does not begin with ISA", offset)
    element = text[offset + 3]
    at = offset + 2
    for _ in range(ISA_ELEMENTS):
        at = text.find(element, at + 1)
        if at < 0:
            raise NotX12("its ISA has fewer than 16 elements", offset)
    if len(text) < at + 3 or element.isalnum():
        raise NotX12("its ISA ends too early", offset)
    component, terminator = text[at + 1], text[at + 2]
    if terminator in "\r\n" and text[at + 3 :].split("\n", 1)[0].rstrip("\r").endswith(component):
        return _Delimiters(element, "", component)  # its last element was left out, the line break is decoration
    return _Delimiters(element, component, terminator)


def _read_one(text: str, offset: int) -> tuple[Interchange, int]:
    marks = _delimiters(text, offset)
    segments: list[Segment] = []
    at = offset
    while True:
        end = text.find(marks.segment, at)
        last = end < 0
        told = text[at:] if last else text[at:end]
        segment = tuple(told.lstrip().rstrip("\r\n").split(marks.element))
        if segment[0] == "ISA" and segments:
            raise NotX12("an interchange begins before the last one has ended", at)
        if segment != ("",):
            segments.append(segment)
        at = len(text) if last else end + 1
        if segment[0] == "IEA":
            return _interchange(segments), at
        if last:
            raise NotX12("its IEA is missing", offset)


def element(segment: Segment, number: int) -> str:
    """Element ``number`` of a segment, empty where it was left out; outer blanks are padding."""
    return segment[number].strip() if number < len(segment) else ""


def _interchange(segments: Sequence[Segment]) -> Interchange:
    isa, iea = segments[0], segments[-1]
    inner = segments[1:-1]
    first = next((place for place, segment in enumerate(inner) if segment[0] == "GS"), len(inner))
    groups = [_group(part) for part in _parts(inner[first:], "GS", "GE")]
    acknowledgements = [segment for segment in inner[:first] if segment[0] == "TA1"]
    problems = _disagreements("IEA", iea, len(groups) or len(acknowledgements), element(isa, 13))
    return Interchange(element(isa, 6), element(isa, 8), element(isa, 13), groups, acknowledgements, problems)


def _parts(segments: Sequence[Segment], opens: str, closes: str) -> list[Sequence[Segment]]:
    """The stretches from one opening segment to its closing one, both with them; one not closed runs to the next."""
    parts: list[list[Segment]] = []
    closed = True
    for segment in segments:
        if segment[0] == opens or closed:
            parts.append([])
        parts[-1].append(segment)
        closed = segment[0] == closes
    return list(parts)


def _group(segments: Sequence[Segment]) -> Group:
    gs, ge = segments[0], segments[-1]
    if gs[0] != "GS" or ge[0] != "GE":
        return Group(element(gs, 1), element(gs, 6), (), ("a group is not closed, or was not opened",))
    transactions = [_transaction(part) for part in _parts(segments[1:-1], "ST", "SE")]
    problems = _disagreements("GE", ge, len(transactions), element(gs, 6))
    return Group(element(gs, 1), element(gs, 6), transactions, problems)


def _transaction(segments: Sequence[Segment]) -> TransactionSet:
    st, se = segments[0], segments[-1]
    if st[0] != "ST" or se[0] != "SE":
        problem = "a transaction set is not closed, or was not opened"
        return TransactionSet(element(st, 1), element(st, 2), tuple(segments[1:]), (problem,))
    problems = _disagreements("SE", se, len(segments), element(st, 2))
    return TransactionSet(element(st, 1), element(st, 2), tuple(segments[1:-1]), problems)


def _disagreements(tag: str, trailer: Segment, counted: int, control_number: str) -> tuple[str, ...]:
    problems = []
    if element(trailer, 1).lstrip("0") != str(counted).lstrip("0"):
        problems.append(f"{tag}01 counts {element(trailer, 1)!r}, there are {counted}")
    if element(trailer, 2).lstrip("0") != control_number.lstrip("0"):
        problems.append(f"{tag}02 is {element(trailer, 2)!r}, the header says {control_number!r}")
    return tuple(problems)


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group to be written: documents by set id, each the segments between its ST and SE."""

    functional_id: str
    transactions: Sequence[tuple[str, Sequence[Segment]]]
    version: str = "004010"


def write_interchange(
    address: Address,
    control_number: int,
    at: datetime,
    groups: Iterable[NewGroup],
    acknowledgements: Sequence[Segment] = (),
) -> str:
    """An interchange with the right counts; its groups take ``control_number`` and those after it.

    Delimiters are chosen among those that the data does not hold.

    Raises:
        NotWritable: a value holds a line break or too many delimiters, or the control number is out of range.
    """
    if not 0 < control_number <= CONTROL_NUMBER_MAX:
        raise NotWritable(str(control_number), f"a control number is 1 to {CONTROL_NUMBER_MAX}")
    written = [(number, group) for number, group in enumerate(groups, control_number)]
    body: list[Segment] = list(acknowledgements)
    for number, group in written:
        body += _group_segments(address, number, at, group)
    body.append(("IEA", str(len(written) or len(acknowledgements)), f"{control_number:09d}"))
    marks = _marks_for(body)
    lines = [_isa(address, control_number, at, marks)]
    lines += [marks.element.join(_short(segment)) for segment in body]
    return "".join(line + marks.segment + "\n" for line in lines)


def _group_segments(address: Address, number: int, at: datetime, group: NewGroup) -> list[Segment]:
    date, time = at.strftime("%Y%m%d"), at.strftime("%H%M")
    gs = ("GS", group.functional_id, address.sender, address.receiver, date, time, str(number), "X", group.version)
    segments: list[Segment] = [gs]
    for place, (set_id, inner) in enumerate(group.transactions, 1):
        control = f"{place:04d}"
        segments += [("ST", set_id, control), *inner, ("SE", str(len(inner) + 2), control)]
    segments.append(("GE", str(len(group.transactions)), str(number)))
    return segments


def _isa(address: Address, control_number: int, at: datetime, marks: _Delimiters) -> str:
    elements = (
        "00", "", "00", "", address.sender_qualifier, address.sender, address.receiver_qualifier, address.receiver,
        at.strftime("%y%m%d"), at.strftime("%H%M"), "U", "00401", f"{control_number:09d}", "0", "P",
        marks.component,
    )  # fmt: skip
    for value, width in zip(elements, _WIDTHS, strict=True):
        if len(value) > width:
            raise NotWritable(value, f"its element of the ISA is {width} long")
    return marks.element.join(("ISA", *(value.ljust(width) for value, width in zip(elements, _WIDTHS, strict=True))))


def _short(segment: Segment) -> Segment:
    """A segment without the empty elements at its end."""
    end = len(segment)
    while end > 1 and not segment[end - 1]:
        end -= 1
    return segment[:end]


_ELEMENT_MARKS = "*|^\x1d"
_COMPONENT_MARKS = ">:\\\x1f"
_SEGMENT_MARKS = "~'\x1c"


def _marks_for(segments: Sequence[Segment]) -> _Delimiters:
    held: set[str] = set()
    for segment in segments:
        for value in segment:
            held.update(value)
            if "\n" in value or "\r" in value:
                raise NotWritable(value, "it holds a line break")
    chosen = [
        next((mark for mark in marks if mark not in held), "")
        for marks in (_ELEMENT_MARKS, _COMPONENT_MARKS, _SEGMENT_MARKS)
    ]
    if not all(chosen):
        raise NotWritable("".join(sorted(held)), "the data holds every delimiter there is")
    return _Delimiters(*chosen)
