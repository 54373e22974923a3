"""What a case touches, one row a SKU, location and channel, so that the list can be narrowed and counted by it."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.database.engine import Database

SCOPES: Mapping[str, str] = {"sku": "skus", "location": "locations", "channel": "channels"}
"""Kind of scope, and the column of the case that lists it."""

TOUCHED_AT_ONCE = 5_000
"""SKUs written in one transaction."""

NO_SCOPE: Mapping[str, str] = dict.fromkeys(SCOPES.values(), "[]")
"""That of a case that is new."""


def keep_scope(connection: Connection, case_id: int, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Write what the lists of ``after`` (JSON, by column) hold and those of ``before`` do not; says whether it differs.

    What it no longer touches goes.
    """
    differs = False
    for kind, column in SCOPES.items():
        if before[column] == after[column]:
            continue
        old, new = set(_listed(before[column])), set(_listed(after[column]))
        for values, statement in ((new - old, _TOUCHED), (old - new, _LEFT)):
            if values:
                differs = True
                bound = {"kind": kind, "case_id": case_id, "skus": as_json(sorted(values))}
                connection.execute(text(statement.format(wanted=wanted_skus(connection))), bound)
    return differs


def touch_ahead(database: Database, case_id: int, skus: Collection[str]) -> None:
    """Of very many SKUs that a case touches, write most before the case says so, some at once.

    Else everybody who writes would wait for all of them. ``keep_scope`` then finds them there. What was written ahead
    and never said, because whoever wrote it was stopped in between, goes.
    """
    with database.reading() as connection:
        if len(skus) <= TOUCHED_AT_ONCE and not connection.execute(text(_VERY_MANY), {"case_id": case_id}).first():
            return
        there = set(connection.execute(text(_SKUS), {"case_id": case_id}).scalars())
        said = _listed(connection.execute(text(_SAID), {"case_id": case_id}).scalar_one())
    ahead, strays = sorted(set(skus) - there), sorted(there.difference(skus, said))
    for values, statement in ((strays, _LEFT), (ahead[: max(0, len(ahead) - TOUCHED_AT_ONCE)], _TOUCHED)):
        for start in range(0, len(values), TOUCHED_AT_ONCE):
            bound = {"kind": "sku", "case_id": case_id, "skus": as_json(values[start : start + TOUCHED_AT_ONCE])}
            with database.transaction() as connection:
                connection.execute(text(statement.format(wanted=wanted_skus(connection))), bound)


def _listed(said: str) -> Collection[str]:
    return msgspec.json.decode(said, type=list[str])


_TOUCHED = """
INSERT INTO case_scope (kind, value, case_id, of_open)
SELECT CAST(:kind AS text), w.sku, c.case_id, c.status <> 'resolved'
FROM ({wanted}) w JOIN exception_case c ON c.case_id = :case_id WHERE true
ON CONFLICT (kind, value, case_id) DO NOTHING
"""
"""As one statement: an outage touches tens of thousands of SKUs, and whoever writes waits for it."""

_SKUS = "SELECT value FROM case_scope WHERE case_id = :case_id AND kind = 'sku'"

_VERY_MANY = f"SELECT 1 FROM case_scope WHERE case_id = :case_id AND kind = 'sku' LIMIT 1 OFFSET {TOUCHED_AT_ONCE}"

_SAID = "SELECT skus FROM exception_case WHERE case_id = :case_id"

_LEFT = """
DELETE FROM case_scope WHERE kind = :kind AND case_id = :case_id AND value IN (SELECT w.sku FROM ({wanted}) w)
"""
