"""What kits are made of: a definition holds as a whole, from one moment to another, and is never changed.

The rows of one kit in one load are its definition. Where they say something new, what held before ends.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, text

from core_sync.master_data.tables import KitComponent

_Term = tuple[int | None, int | None]


def define_kits(connection: Connection, rows: Sequence[Mapping[str, Any]], at: int) -> int:
    """Define the kits of ``rows`` (columns of ``kit_component``); returns how many rows said something new.

    A definition without ``valid_from`` holds from ``at`` (microseconds) on, or ever since where it is the kit's first.
    """
    told: dict[str, dict[_Term, dict[str, int]]] = {}
    for row in rows:
        term = (row["valid_from"], row["valid_to"])
        told.setdefault(row["kit"], {}).setdefault(term, {})[row["component"]] = row["quantity"]
    known = _known(connection)
    fresh: list[dict[str, Any]] = []
    for kit, definitions in told.items():
        for (since, until), components in definitions.items():
            if _says_nothing_new(components, (since, until), known.get(kit, {})):
                continue
            starts = at if since is None and kit in known else since
            connection.execute(text(_END), {"kit": kit, "at": starts})
            fresh += [
                {"kit": kit, "component": one, "quantity": quantity, "valid_from": starts, "valid_to": until}
                for one, quantity in components.items()
            ]
    if fresh:
        connection.execute(insert(KitComponent), fresh)
    return len(fresh)


def _known(connection: Connection) -> dict[str, dict[_Term, dict[str, int]]]:
    known: dict[str, dict[_Term, dict[str, int]]] = {}
    rows = connection.execute(text("SELECT kit, component, quantity, valid_from, valid_to FROM kit_component"))
    for kit, component, quantity, since, until in rows:
        known.setdefault(kit, {}).setdefault((since, until), {})[component] = quantity
    return known


def _says_nothing_new(components: Mapping[str, int], term: _Term, known: Mapping[_Term, Mapping[str, int]]) -> bool:
    """Whether the kit is so defined for that term; without a term, whether it is so defined today."""
    if term != (None, None):
        return known.get(term) == components
    return any(until is None and definition == components for (_, until), definition in known.items())


_END = """
UPDATE kit_component SET valid_to = :at
WHERE kit = :kit AND valid_to IS NULL AND CAST(:at AS BIGINT) IS NOT NULL
  AND (valid_from IS NULL OR valid_from < :at)
"""
