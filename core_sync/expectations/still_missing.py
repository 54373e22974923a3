"""Whether what is expected has really not come: asked of the ledger itself before anybody is told.

Entries may be told in another order than things happened, and stock may close what nobody sent an event for. What
was told and is held (parked, refused, suspected to repeat another) is a failure of its own, and not missing.
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, bindparam, text

from core_sync.expectations.kinds import KINDS, ORDER_TO_RESERVE
from core_sync.expectations.reading import Open
from core_sync.ledger.effects import Flag
from core_sync.ledger.tables import UNDECIDED

_ITEM_OF = {"announced_to_receipt": "transit", "transfer_to_arrival": "transit", "return_to_decision": "hold"}
"""Which open item of the ledger stands behind a kind."""

_DOCUMENTS_AT_ONCE = 500

Item = tuple[int, int, int | None]
"""Units placed and units open, and when they are due if that was said."""


class Found(StrEnum):
    """What became of something expected."""

    MISSING = "missing"
    HELD = "held"
    """It was told, and the ledger holds the event."""
    CAME = "came"
    """It came, or is expected no more."""


class Said(msgspec.Struct, frozen=True):
    """What an entry or a held event says, as far as it matters; a held one may call SKU and location otherwise."""

    type: str
    document: str
    line: str
    sku: str
    location: str


def look_for(connection: Connection, expectations: Sequence[Open]) -> list[Found]:
    """What became of each of ``expectations``, in their order."""
    found: list[Found] = []
    for start in range(0, len(expectations), _DOCUMENTS_AT_ONCE):
        part = expectations[start : start + _DOCUMENTS_AT_ONCE]
        documents = sorted({one.document for one in part})
        items = _items(connection, documents) if any(one.kind in _ITEM_OF for one in part) else {}
        entries = _by_document(_entries(connection, documents)) if any(o.kind not in _ITEM_OF for o in part) else {}
        for one in part:
            waits = _waits(one, items) if one.kind in _ITEM_OF else not _any_meets(one, entries.get(one.document, ()))
            found.append(Found.MISSING if waits else Found.CAME)
    ended = _ended_orders(connection, [one.document for one in expectations if one.kind == ORDER_TO_RESERVE.kind])
    for place, one in enumerate(expectations):
        if one.kind == ORDER_TO_RESERVE.kind and one.document in ended:
            found[place] = Found.CAME
    if Found.MISSING in found:
        held = _by_document(_held(connection))
        for place, one in enumerate(expectations):
            if found[place] is Found.MISSING and _any_meets(one, held.get(one.document, ()), by_name=False):
                found[place] = Found.HELD
    return found


def _waits(one: Open, items: dict[tuple[str, str, str, str], Item]) -> bool:
    """Whether the open item still waits. Where its document said when it is due, that decides, not what is usual."""
    item = items.get((_ITEM_OF[one.kind], one.document, one.sku, one.location))
    if item is None:
        return False
    placed, waiting, due = item
    came_in_part = not KINDS[one.kind].in_units and waiting < placed
    return waiting > 0 and due is None and not came_in_part


def _any_meets(one: Open, told: Sequence[Said], by_name: bool = True) -> bool:
    """Whether something ``told`` of the document meets or ends it; held events are not looked at ``by_name``."""
    kind = KINDS[one.kind]
    return any(
        (said.type in kind.met_by or said.type in kind.ended_by)
        and (not said.line or not one.line or said.line == one.line)
        and (not by_name or (one.sku in ("", said.sku) and one.location in ("", said.location)))
        for said in told
    )


def _by_document(told: Sequence[Said]) -> dict[str, list[Said]]:
    by_document: dict[str, list[Said]] = {}
    for said in told:
        by_document.setdefault(said.document, []).append(said)
    return by_document


def _items(connection: Connection, documents: Sequence[str]) -> dict[tuple[str, str, str, str], Item]:
    """Open items of ``documents``, by kind, document, SKU and location."""
    statement = text(_ITEMS).bindparams(bindparam("documents", expanding=True))
    return {
        (kind, document, sku, location): (int(placed), int(waiting), due)
        for kind, document, sku, location, placed, waiting, due in connection.execute(
            statement, {"documents": documents}
        )
    }


def _entries(connection: Connection, documents: Sequence[str]) -> list[Said]:
    """Every entry of ``documents`` that is no taking back."""
    statement = text(_ENTRIES).bindparams(bindparam("documents", expanding=True))
    rows = connection.execute(statement, {"documents": documents, "reversal": Flag.REVERSAL})
    return [Said(*row) for row in rows.all()]


def _ended_orders(connection: Connection, documents: Sequence[str]) -> set[str]:
    """Those of ``documents`` that no system tells as open any more."""
    if not documents:
        return set()
    statement = text(_ENDED).bindparams(bindparam("documents", expanding=True))
    return set(connection.execute(statement, {"documents": list(documents)}).scalars())


def _held(connection: Connection) -> list[Said]:
    """Every event that the ledger holds."""
    payloads = connection.execute(text(f"SELECT payload FROM held_event WHERE {UNDECIDED}")).scalars()
    return [msgspec.json.decode(payload, type=Said) for payload in payloads.all()]


_ENDED = """
SELECT document FROM told_order WHERE document IN :documents
GROUP BY document HAVING SUM(CASE WHEN state = 'open' THEN 1 ELSE 0 END) = 0
"""

_ITEMS = """
SELECT i.kind, i.reference, p.sku, p.location, SUM(i.placed_quantity), SUM(i.open_quantity), MAX(i.expires_at)
FROM open_item i JOIN position p ON p.position_id = i.position_id
WHERE i.reference IN :documents AND i.kind IN ('transit', 'hold')
GROUP BY i.kind, i.reference, p.sku, p.location
"""

_ENTRIES = """
SELECT l.type, l.document, COALESCE(l.line, ''), p.sku, p.location
FROM ledger_entry l JOIN position p ON p.position_id = l.position_id
WHERE l.document IN :documents AND l.flags & :reversal = 0
"""
