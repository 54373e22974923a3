"""Which of our SKUs an unknown name may have meant, as evidence: looked up after the fact, not while stock waits."""

from collections.abc import Sequence
from dataclasses import asdict

import msgspec
from sqlalchemy import Connection, text

from core_sync.master_data.candidates import Candidate, sku_candidates

AT_ONCE = 500
"""Names looked up in one transaction; each is compared with every SKU."""

_ASKING = """
SELECT DISTINCT sku FROM failure
WHERE error_code = 'unmapped_sku' AND mapping_candidates IS NULL AND resolved_at IS NULL AND sku IS NOT NULL
LIMIT :limit
"""

_TELL = """
UPDATE failure SET mapping_candidates = :candidates, meant_sku = :meant
WHERE error_code = 'unmapped_sku' AND mapping_candidates IS NULL AND resolved_at IS NULL AND sku = :name
"""


def tell_candidates(connection: Connection, limit: int = AT_ONCE) -> int:
    """Name the likeliest SKUs in open failures of unknown names that have none yet; returns how many names it was."""
    asking = list(connection.execute(text(_ASKING), {"limit": limit}).scalars())
    if not asking:
        return 0
    skus = list(connection.execute(text("SELECT sku FROM sku")).scalars())
    told = [_told(name, sku_candidates(name, skus)) for name in asking]
    connection.execute(text(_TELL), told)
    return len(asking)


def _told(name: str, candidates: Sequence[Candidate]) -> dict[str, str | None]:
    """The first is what the name is taken to mean as long as nobody has said."""
    as_json = msgspec.json.encode([asdict(candidate) for candidate in candidates]).decode()
    return {"name": name, "candidates": as_json, "meant": candidates[0].sku if candidates else None}
