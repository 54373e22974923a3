"""What master data names that it does not hold: such rows load, for their other half may come later, and do nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class LooseEnd:
    """Rows of an interchange ``table`` that do nothing: some of their ``names``, how ``many``, and what to do."""

    table: str
    lacks: str
    names: tuple[str, ...]
    many: int
    mend: str


NAMED_MAX = 3
"""Rows of one kind that are named; the others are counted."""


def loose_ends(connection: Connection) -> Sequence[LooseEnd]:
    """Everything that is loose, in the order of the tables; none where all master data holds together."""
    found = []
    for table, lacks, statement, mend in _LOOKS:
        names = list(connection.execute(text(f"{statement} ORDER BY 1")).scalars())
        if names:
            found.append(LooseEnd(table, lacks, tuple(names[:NAMED_MAX]), len(names), mend))
    return found


_LOOKS = (
    (
        "cut_offs",
        "a channel that nobody loaded",
        "SELECT cut_off || ' (' || channel || ')' FROM cut_off WHERE channel NOT IN (SELECT channel FROM channel)",
        "load channels, or correct the name in cut_offs",
    ),
    (
        "cut_offs",
        "a location that nobody loaded",
        "SELECT cut_off || ' (' || location || ')' FROM cut_off WHERE location NOT IN (SELECT location FROM location)",
        "load locations, or correct the name in cut_offs",
    ),
    (
        "safety_stock",
        "a location that nobody loaded",
        "SELECT DISTINCT location FROM safety_stock WHERE location NOT IN (SELECT location FROM location)",
        "load locations, or correct the name in safety_stock",
    ),
    (
        "safety_stock",
        "a SKU that nobody loaded",
        "SELECT DISTINCT sku FROM safety_stock WHERE sku NOT IN (SELECT sku FROM sku)",
        "load skus, or correct the name in safety_stock",
    ),
    (
        "accounts",
        "a tier that nobody loaded",
        "SELECT account || ' (' || tier || ')' FROM account WHERE tier NOT IN (SELECT tier FROM customer_tier)",
        "load tiers, or correct the name in accounts",
    ),
    (
        "tiers",
        "what it is worth to keep their customers",
        "SELECT tier FROM customer_tier WHERE retention_value IS NULL",
        "give tiers a retention_value",
    ),
    (
        "channels",
        "what it costs to cancel more than the limit",
        (
            "SELECT channel FROM channel "
            "WHERE cancel_limit IS NOT NULL AND cancel_cost IS NULL AND suspension_days IS NULL"
        ),
        "give these channels a cancel_cost or suspension_days",
    ),
    (
        "channels",
        "the limit beyond which cancelling costs",
        (
            "SELECT channel FROM channel "
            "WHERE cancel_limit IS NULL AND (cancel_cost IS NOT NULL OR suspension_days IS NOT NULL)"
        ),
        "give these channels a cancel_limit",
    ),
)
"""Interchange table, what its rows lack, how they are found (by name), and how to mend it."""
