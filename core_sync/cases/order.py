"""In which order the list is walked."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, tuple_

from core_sync.cases.rows import CASES


class Order(StrEnum):
    """What stands first."""

    LOSS = "loss"
    """The largest expected loss, or what a person wants it ranked by: what to work on first."""
    HARM = "harm"
    """The harm that begins soonest; what is not known to harm comes last."""
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class Walk:
    """The column that an order goes by, and whether its largest value stands first; equals go by case number."""

    key: ColumnElement[Any]
    descending: bool

    @property
    def order_by(self) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """For ORDER BY."""
        both = (self.key, CASES.c.case_id)
        return (both[0].desc(), both[1].desc()) if self.descending else both

    def beyond(self, key: float | int, case_id: int) -> ColumnElement[bool]:
        """What comes after the case ``case_id``, at which the column was ``key``."""
        place = tuple_(self.key, CASES.c.case_id)
        return place < (key, case_id) if self.descending else place > (key, case_id)


WALKS: Mapping[Order, Walk] = MappingProxyType(
    {
        Order.LOSS: Walk(CASES.c.rank_value, descending=True),
        Order.HARM: Walk(CASES.c.harm_at, descending=False),
        Order.NEWEST: Walk(CASES.c.opened_at, descending=True),
        Order.OLDEST: Walk(CASES.c.opened_at, descending=False),
    }
)
"""How each order is walked; an index stands behind each."""
