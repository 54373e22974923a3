"""997 and TA1: what a partner's translator says of the groups and interchanges it was sent.

A 997 tells for each group (AK1 … AK9) and each of its sets (AK2 … AK5) whether it was accepted, and which segments
and elements were not. Source: ASC X12 004010, sets 997 and TA1; data elements 715, 716, 717, 718, 720, 723, I18.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from core_sync.channels.x12 import Interchange, Segment, TransactionSet, element

SET_ID = "997"
ACCEPTED = frozenset("A")
PARTLY = frozenset("EP")
"""Accepted, but with errors noted (E), or only in part (P): what is named as wrong was not taken."""

DUPLICATE_INTERCHANGE = "025"


@dataclass(frozen=True, slots=True)
class SegmentError:
    """A segment that is wrong: its tag, its number in the set (ST is 1), and the codes that say why."""

    tag: str
    position: int
    codes: tuple[str, ...]
    elements: tuple[str, ...] = ()
    """The codes of its wrong elements, as ``03:7`` for element 3, invalid code."""


@dataclass(frozen=True, slots=True)
class SetAcknowledgement:
    """What became of one transaction set; ``status`` is AK501."""

    set_id: str
    control_number: str
    status: str
    codes: tuple[str, ...]
    errors: tuple[SegmentError, ...]


@dataclass(frozen=True, slots=True)
class GroupAcknowledgement:
    """What became of one group; ``status`` is AK901. Sets that are not named follow the group."""

    functional_id: str
    control_number: str
    status: str
    codes: tuple[str, ...]
    sets: tuple[SetAcknowledgement, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class InterchangeAcknowledgement:
    """What became of one interchange: A, E (taken, with errors), or R; ``code`` is TA105."""

    control_number: str
    status: str
    code: str


def interchange_acknowledgements(interchange: Interchange) -> Iterator[InterchangeAcknowledgement]:
    """Every TA1 of an interchange."""
    for segment in interchange.acknowledgements:
        yield InterchangeAcknowledgement(element(segment, 1), element(segment, 4), element(segment, 5))


def group_acknowledgements(interchange: Interchange) -> Iterator[GroupAcknowledgement]:
    """Every 997 of an interchange; one that lacks its AK1 or AK9 is passed over."""
    for group in interchange.groups:
        for transaction in group.transactions:
            if transaction.set_id == SET_ID:
                yield from _group(transaction)


def _group(transaction: TransactionSet) -> Iterator[GroupAcknowledgement]:
    opened: Segment | None = None
    inner: list[Segment] = []
    for segment in transaction.segments:
        if segment[0] == "AK1":
            opened, inner = segment, []
        elif segment[0] == "AK9" and opened is not None:
            codes = tuple(code for place in range(5, 10) if (code := element(segment, place)))
            yield GroupAcknowledgement(
                element(opened, 1), element(opened, 2), element(segment, 1), codes, tuple(_sets(inner))
            )
            opened = None
        else:
            inner.append(segment)


def _sets(segments: Sequence[Segment]) -> Iterator[SetAcknowledgement]:
    named: Segment | None = None
    errors: list[SegmentError] = []
    for segment in segments:
        match segment[0]:
            case "AK2":
                named, errors = segment, []
            case "AK3":
                codes = tuple(code for place in range(4, 9) if (code := element(segment, place)))
                errors.append(SegmentError(element(segment, 1), _number(element(segment, 2)), codes))
            case "AK4" if errors:
                last = errors[-1]
                place = _number(element(segment, 1).split(":")[0])
                elements = (*last.elements, f"{place:02d}:{element(segment, 3)}")
                errors[-1] = SegmentError(last.tag, last.position, last.codes, elements)
            case "AK5" if named is not None:
                codes = tuple(code for place in range(2, 7) if (code := element(segment, place)))
                yield SetAcknowledgement(
                    element(named, 1), element(named, 2), element(segment, 1), codes, tuple(errors)
                )
                named = None


def _number(told: str) -> int:
    return int(told) if told.isdecimal() else 0
