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
        named = text(f"SELECT n.name, COUNT(*) OVER () FROM ({statement}) n ORDER BY n.name LIMIT {NAMED_MAX}")
        rows = connection.execute(named).all()
        if rows:
            found.append(LooseEnd(table, lacks, tuple(name for name, _ in rows), rows[0][1], mend))
    return found


def _lacking(name: str, table: str, column: str, known: str) -> str:
    """Rows of ``table`` whose ``column`` names nothing in the table ``known`` of that column, by ``name``."""
    return (
        f"SELECT DISTINCT {name} AS name FROM {table} t WHERE t.{column} IS NOT NULL "
        f"AND NOT EXISTS (SELECT 1 FROM {known} k WHERE k.{column} = t.{column})"
    )


_LOOKS = (
    (
        "cut_offs",
        "a channel that nobody loaded",
        _lacking("t.cut_off || ' (' || t.channel || ')'", "cut_off", "channel", "channel"),
        "load channels, or correct the name in cut_offs",
    ),
    (
        "cut_offs",
        "a location that nobody loaded",
        _lacking("t.cut_off || ' (' || t.location || ')'", "cut_off", "location", "location"),
        "load locations, or correct the name in cut_offs",
    ),
    (
        "safety_stock",
        "a location that nobody loaded",
        _lacking("t.location", "safety_stock", "location", "location"),
        "load locations, or correct the name in safety_stock",
    ),
    (
        "safety_stock",
        "a SKU that nobody loaded",
        _lacking("t.sku", "safety_stock", "sku", "sku"),
        "load skus, or correct the name in safety_stock",
    ),
    (
        "accounts",
        "a tier that nobody loaded",
        _lacking("t.account || ' (' || t.tier || ')'", "account", "tier", "customer_tier"),
        "load tiers, or correct the name in accounts",
    ),
    (
        "tiers",
        "what it is worth to keep their customers",
        "SELECT tier AS name FROM customer_tier WHERE retention_value IS NULL",
        "give tiers a retention_value",
    ),
    (
        "channels",
        "what it costs to cancel more than the limit",
        (
            "SELECT channel AS name FROM channel "
            "WHERE cancel_limit IS NOT NULL AND cancel_cost IS NULL AND suspension_days IS NULL"
        ),
        "give these channels a cancel_cost or suspension_days",
    ),
    (
        "channels",
        "the limit beyond which cancelling costs",
        (
            "SELECT channel AS name FROM channel "
            "WHERE cancel_limit IS NULL AND (cancel_cost IS NOT NULL OR suspension_days IS NOT NULL)"
        ),
        "give these channels a cancel_limit",
    ),
)
"""Interchange table, what its rows lack, how they are found (by name), and how to mend it."""
