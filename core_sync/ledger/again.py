"""Held events ruled on again: tried anew, or freed where their place allows them now."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from core_sync.clock import to_microseconds
from core_sync.database.bulk import Bulk
from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.kits import in_components
from core_sync.ledger.knowledge import Decision, Knowledge
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.locks import lock_skus, skus_of
from core_sync.ledger.recall import recall
from core_sync.ledger.rules import free_all, retry
from core_sync.ledger.verdicts import HeldReference
from core_sync.ledger.waiting import held_arrival


def try_again(
    ledger: Ledger, connection: Connection, held: Sequence[HeldReference], at: datetime, actor: str | None, flags: int
) -> Decision | None:
    """Rule on held events again; None where all were decided on since ``held`` was read."""
    arrivals, knowledge = _recalled(ledger, connection, held, at)
    # Between the look and the lock another process may have applied one, or a person decided on it.
    statuses = {(h.source_id, h.event_id): h.status for h in held}
    tried = {key for key, status in statuses.items() if knowledge.known[key].status == status}
    for waiting in knowledge.parked.values():  # what is tried by itself must not be tried again when freed
        waiting[:] = [other for other in waiting if (other.source_id, other.event.event_id) not in tried]
    arrivals = [one for one in arrivals if (one.source_id, one.part_of or one.event.event_id) in tried]
    if not arrivals:
        return None
    for arrival in arrivals:
        arrival.flags |= flags
    decision = retry(arrivals, knowledge)
    ledger.commit_decision(connection, decision, knowledge, at, actor)
    return decision


def free_held(ledger: Ledger, connection: Connection, held: Sequence[HeldReference], at: datetime) -> Decision:
    """Apply what waits for stock at the places of ``held`` (all that waits there), as far as those allow it now."""
    arrivals, knowledge = _recalled(ledger, connection, held, at)
    turns = {(one.source_id, one.event_id): one.held_id for one in held}
    known = set(knowledge.parked)
    for arrival in arrivals:
        told = knowledge.known.get((arrival.source_id, arrival.part_of or arrival.event.event_id))
        # Since ``held`` was read a person may have decided on it, or another process applied it.
        if arrival.position not in known and told is not None and told.status == "parked":
            arrival.turn = turns[arrival.source_id, arrival.part_of or arrival.event.event_id]
            knowledge.parked.setdefault(arrival.position, []).append(arrival)
    decision = Decision()
    for position in sorted({arrival.position for arrival in arrivals}):
        free_all(position, knowledge, decision)
    ledger.commit_decision(connection, decision, knowledge, at, None)
    return decision


def _recalled(
    ledger: Ledger, connection: Connection, held: Sequence[HeldReference], at: datetime
) -> tuple[list[Arrival], Knowledge]:
    """Held events as arrivals again, their SKUs locked, and what deciding on them needs."""
    bulk = Bulk(connection)
    catalogue = ledger.know_catalogue(connection)
    ledger.interned.load_sources(bulk, {h.source for h in held})
    now = to_microseconds(at)
    arrivals = [held_arrival(h.source_id, h.payload, h.content, now, catalogue) for h in held]
    arrivals = in_components(arrivals, bulk, catalogue, ledger.interned)
    ledger.interned.give_positions(bulk, arrivals)
    lock_skus(connection, skus_of(arrivals))
    return arrivals, recall(bulk, arrivals, catalogue, ledger.interned)
