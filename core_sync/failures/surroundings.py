"""What a failure's surroundings tell, gathered after the fact and kept beside what was told of it.

The one place that builds the rest of the evidence which classification and remediation read: what is usual for the
warehouse, the order and the reservation behind it, when the listing was last seen right, whether the same was told
before, how like the best candidate is, how many others of the same connector got no sound answer within minutes.
What nobody knows is left out. Nothing waits for it while a failure is recorded.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, text

from core_sync.database.engine import Database
from core_sync.expectations.paces import EVENT_LAG, Paces, read_paces
from core_sync.outbox.looked import ACCEPTED_NOT_APPLIED

AT_ONCE = 500
"""Failures of which surroundings are gathered in one transaction."""

NEIGHBOUR_US = 300_000_000
"""Failures of one connector so near in time may be one outage."""

NEIGHBOURS_MAX = 100
"""More are not counted."""

OF_CONNECTORS = ("push", "channel", "told")
"""Kinds of failures that speak of a connector; one file may bring any number of the others at once."""


def gather_surroundings(database: Database, most: int | None = None) -> int:
    """Gather the surroundings of failures that have none yet, the newest first; returns how many that were.

    Args:
        most: no more than so many; None for every one.
    """
    done = 0
    while True:
        at_once = AT_ONCE if most is None else min(AT_ONCE, most - done)
        with database.transaction() as connection:
            rows = connection.execute(text(_PENDING), {"most": at_once}).all()
            _write(connection, rows)
        done += len(rows)
        if len(rows) < AT_ONCE:
            return done


def _write(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    if rows:
        told = [
            {"id": row.failure_id, "told": msgspec.json.encode(known).decode()}
            for row, known in zip(rows, _gather(connection, rows), strict=True)
        ]
        connection.execute(text("UPDATE failure SET surroundings = :told WHERE failure_id = :id"), told)


def _gather(connection: Connection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """What is known around each of ``rows``, in their order; unknown fields are left out."""
    lags, sources = read_paces(connection, EVENT_LAG), _sources(connection)
    orders, reserved, told = _of_documents(connection, rows)
    listings = _listings(connection, rows)
    neighbours = _neighbours(connection, rows)
    gathered = []
    for row in rows:
        about = (row.document, row.sku)
        known: dict[str, Any] = {
            "event_lag_normal_s": _usual_lag(row, lags, sources),
            "order_state": orders.get(about) or ("open" if about in reserved else None),
            "neighbours": neighbours.get(row.failure_id),
            **_of_reservation(row, reserved.get(about)),
            **_of_listing(row, listings.get((row.channel, row.sku))),
            **_of_identity(row, told),
            **_of_candidates(row.mapping_candidates),
        }
        gathered.append({name: value for name, value in known.items() if value is not None})
    return gathered


def _usual_lag(row: Row[Any], lags: Paces, sources: Mapping[str, int]) -> float | None:
    """How long after an event its source usually tells of it, at that place; of pushes it is not asked."""
    source = sources.get(row.system or "")
    if source is None or (row.channel is not None and row.kind in OF_CONNECTORS):
        return None
    return lags.usual_s(source, row.location or "")


def _of_reservation(row: Row[Any], placed_at: int | None) -> dict[str, Any]:
    if placed_at is None or row.reservation_age_s is not None:
        return {}
    return {"reservation_age_s": max(0.0, (row.recorded_at - placed_at) / 1e6)}


def _of_listing(row: Row[Any], listing: Row[Any] | None) -> dict[str, Any]:
    """Since when the listing was not seen to show what it should, and since when it is accepted and not shown."""
    if listing is None:
        return {}
    known: dict[str, Any] = {}
    if listing.visible_at is not None:
        known["published_age_s"] = max(0.0, (row.recorded_at - listing.visible_at) / 1e6)
    if row.error_code == ACCEPTED_NOT_APPLIED and listing.accepted_at is not None:
        known["visible_age_s"] = max(0.0, (row.recorded_at - listing.accepted_at) / 1e6)
    return known


def _of_identity(row: Row[Any], told: Mapping[tuple[str, str, str], int]) -> dict[str, Any]:
    """Whether what repeats has the same business key, and how often the document told such a thing of the SKU."""
    operation = row.operation or ""
    if row.duplicate_of is None or not operation.startswith(LEDGER):
        return {}
    hits = told.get((row.document or "", row.sku or "", operation.removeprefix(LEDGER)))
    # Where the id itself came twice nobody looked for the business key, and not looked is not missed.
    return {"business_key_hit": row.error_code == "business_key" or None, "duplicate_hits": hits}


def _of_candidates(candidates: str | None) -> dict[str, Any]:
    """How like the best candidate is, where candidates say so."""
    try:
        told = msgspec.json.decode(candidates) if candidates else None
    except msgspec.DecodeError:
        return {}
    likeness = [one["likeness"] for one in told if isinstance(one, dict) and "likeness" in one] if told else []
    return {"best_candidate_score": max(likeness)} if likeness else {}


def _sources(connection: Connection) -> dict[str, int]:
    return {name: source_id for source_id, name in connection.execute(text("SELECT source_id, name FROM source"))}


def _of_documents(
    connection: Connection, rows: Sequence[Row[Any]]
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], int], dict[tuple[str, str, str], int]]:
    """By document and SKU: how its order ended, and when what is still reserved was placed; entries by type too."""
    documents = sorted({row.document for row in rows if row.document})
    if not documents:
        return {}, {}, {}
    bound = {"documents": documents}

    def asked(statement: str) -> Sequence[Row[Any]]:
        return connection.execute(text(statement).bindparams(bindparam("documents", expanding=True)), bound).all()

    called = {row.document: str(row.state) for row in asked(_CALLED)}
    ended = {(row.document, row.sku): called[row.document] for row in rows if row.document in called}
    ended |= {
        (row.document, row.sku): "cancelled" if row.cancelled_at is not None else "shipped"
        for row in asked(_ENDED)
        if row.cancelled_at is not None or row.shipped_units > 0
    }
    reserved = {(row.reference, row.sku): int(row.placed_at) for row in asked(_RESERVED)}
    told = {(row.document, row.sku, row.type): int(row.told) for row in asked(_TOLD)}
    return ended, reserved, told


def _listings(connection: Connection, rows: Sequence[Row[Any]]) -> dict[tuple[str, str], Row[Any]]:
    """Listings by channel and SKU."""
    skus = sorted({row.sku for row in rows if row.channel and row.sku})
    if not skus:
        return {}
    channels = sorted({row.channel for row in rows if row.channel and row.sku})
    statement = text(_LISTINGS).bindparams(bindparam("skus", expanding=True), bindparam("channels", expanding=True))
    found = connection.execute(statement, {"skus": skus, "channels": channels})
    return {(row.channel, row.sku): row for row in found}


def _neighbours(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, int]:
    """By failure, how many other SKUs of its connector got no sound answer within five minutes before or after it.

    One SKU that fails over and over is no outage, and a failure without a SKU counts by itself.
    What a system refuses for a reason of its own, a bad token for one, says nothing of an outage however often.
    """
    asked = [
        {"id": row.failure_id, "system": row.system, "since": row.occurred_at - NEIGHBOUR_US,
         "until": row.occurred_at + NEIGHBOUR_US, "most": NEIGHBOURS_MAX, "sku": row.sku or ""}
        for row in rows
        if row.kind in OF_CONNECTORS and row.system and _got_no_sound_answer(row.http_status)
    ]  # fmt: skip
    return {one["id"]: connection.execute(text(_NEIGHBOURS), one).scalar_one() for one in asked}


def _got_no_sound_answer(status: int | None) -> bool:
    """As ``_NEIGHBOURS`` says it of the others: who was answered is no part of an outage, whatever fails beside."""
    return status is None or status in (408, 429) or status >= 500


LEDGER = "ledger."
"""How operations of events begin."""

_PENDING = """
SELECT failure_id, kind, occurred_at, recorded_at, system, channel, operation, sku, location, error_code, http_status,
       duplicate_of, mapping_candidates, document, reservation_age_s
FROM failure WHERE surroundings IS NULL ORDER BY failure_id DESC LIMIT :most
"""

_ENDED = "SELECT document, sku, cancelled_at, shipped_units FROM order_state WHERE document IN :documents"

_CALLED = "SELECT document, state FROM told_order WHERE document IN :documents ORDER BY as_of, order_id"

_RESERVED = """
SELECT i.reference, p.sku, MIN(i.placed_at) AS placed_at
FROM open_item i JOIN position p ON p.position_id = i.position_id
WHERE i.reference IN :documents AND i.kind = 'reservation' AND i.open_quantity > 0 GROUP BY i.reference, p.sku
"""

_TOLD = """
SELECT l.document, p.sku, l.type, COUNT(*) AS told FROM ledger_entry l JOIN position p ON p.position_id = l.position_id
WHERE l.document IN :documents GROUP BY l.document, p.sku, l.type
"""

_LISTINGS = """
SELECT channel, sku, visible_at, accepted_at FROM push_intent WHERE channel IN :channels AND sku IN :skus
"""

_NEIGHBOURS = f"""
SELECT COUNT(DISTINCT looked.subject) FROM (
    SELECT COALESCE(n.sku, n.id) AS subject FROM failure n
    WHERE n.system = :system AND n.occurred_at BETWEEN :since AND :until
      AND n.failure_id <> :id AND (n.sku IS NULL OR n.sku <> :sku) AND n.kind IN {OF_CONNECTORS}
      AND (n.http_status IS NULL OR n.http_status IN (408, 429) OR n.http_status >= 500) LIMIT :most) looked
"""
