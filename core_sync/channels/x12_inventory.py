"""846, inventory inquiry and advice: what a seller has for a buyer, and what a buyer's side says it shows.

What QTY01 means is agreed with each partner; ``33``, available for sale, is the default. A quantity is told by its
unit in QTY03, or by a UIT segment after it. Two codes in one line are two figures, never added up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core_sync.channels.x12 import NotX12, Segment, TransactionSet, element

SET_ID = "846"
FUNCTIONAL_ID = "IB"
AVAILABLE = "33"
ORIGINAL, CHANGE = "00", "04"
"""BIA01: everything that is listed, or only what changed since the last one."""

SELLER_REPORT = "SI"
_EACH = "EA"
_FIRST_SEGMENT = 2


@dataclass(frozen=True, slots=True)
class Terms:
    """What is agreed with a partner: which name of an item is meant (LIN02), and which of its quantities (QTY01)."""

    item: str = "SK"
    quantity: str = AVAILABLE


@dataclass(frozen=True, slots=True)
class AdviceLine:
    """One LIN loop.

    Args:
        position: number of its LIN segment in the set, as acknowledgements name it; ST is number 1.
        item: by qualifier (``SK``, ``BP``, ``VN`` …), what the item is called.
        quantities: by the code of QTY01. ``units``: by the same code.
    """

    position: int
    item: Mapping[str, str]
    quantities: Mapping[str, int]
    units: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Advice:
    """One 846; ``purpose`` is BIA01 and ``at`` when its figures held."""

    purpose: str
    reference: str
    at: datetime | None
    lines: Sequence[AdviceLine]


def advice_segments(
    reference: str,
    at: datetime,
    shown: Iterable[tuple[str, int]],
    *,
    purpose: str = ORIGINAL,
    terms: Terms = Terms(),  # frozen
) -> list[Segment]:
    """The segments of an 846 that tells units by SKU, in the order given."""
    segments: list[Segment] = [
        ("BIA", purpose, SELLER_REPORT, reference, at.strftime("%Y%m%d"), at.strftime("%H%M%S")),
    ]
    count = 0
    for count, (sku, quantity) in enumerate(shown, 1):
        segments.append(("LIN", str(count), terms.item, sku))
        segments.append(("QTY", terms.quantity, str(quantity), _EACH))
    segments.append(("CTT", str(count)))
    return segments


def read_advice(transaction: TransactionSet) -> Advice:
    """An 846 as it was sent.

    Raises:
        NotX12: it is another set, or a quantity is no whole number.
    """
    if transaction.set_id != SET_ID:
        raise NotX12(f"set {transaction.set_id} is no {SET_ID}", 0)
    purpose, reference, at = "", "", None
    lines: list[AdviceLine] = []
    quantities: dict[str, int] = {}
    units: dict[str, str] = {}
    code = ""
    for position, segment in enumerate(transaction.segments, _FIRST_SEGMENT):
        match segment[0]:
            case "BIA":
                purpose, reference, at = element(segment, 1), element(segment, 3), _moment(segment)
            case "LIN":
                quantities, units = {}, {}
                item = {segment[at]: segment[at + 1] for at in range(2, len(segment) - 1, 2) if segment[at]}
                lines.append(AdviceLine(position, item, quantities, units))
            case "QTY":
                code = element(segment, 1)
                quantities[code] = _whole(element(segment, 2), position)
                if element(segment, 3):
                    units[code] = element(segment, 3)
            case "UIT" if code:
                units[code] = element(segment, 1)
    return Advice(purpose, reference, at, lines)


def _whole(told: str, position: int) -> int:
    whole, _, fraction = told.partition(".")
    if not whole.lstrip("-").isdecimal() or fraction.strip("0"):
        raise NotX12(f"segment {position}: the quantity {told!r} is no whole number", 0)
    return int(whole)


def _moment(bia: Segment) -> datetime | None:
    date, time = element(bia, 4), element(bia, 5)
    try:
        return datetime.strptime(date + time.ljust(6, "0")[:6], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
