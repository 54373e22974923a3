"""What people (and policies that people allowed) decide about held events and wrong entries.

A held event is applied or dismissed, an accepted one is taken back by a compensating entry: the
ledger itself is never changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.database.bulk import Bulk
from core_sync.errors import NotFound, VerbRefused
from core_sync.failures.record import resolve_subjects
from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.effects import Flag
from core_sync.ledger.ledger import BatchOutcome, Ledger, outcome_of
from core_sync.ledger.locks import lock_skus
from core_sync.ledger.recall import held_arrival, recall
from core_sync.ledger.reversal import reverse_entry
from core_sync.ledger.rules import retry
from core_sync.ledger.signals import held_subject


@dataclass(frozen=True, slots=True)
class HeldReference:
    """A held event by its keys."""

    held_id: int
    source_id: int
    source: str
    event_id: str
    status: str
    payload: str

    @property
    def subject(self) -> str:
        """The failure subject of this event."""
        return held_subject(self.source, self.event_id)


def find_held(connection: Connection, held_id: int) -> HeldReference:
    """The held event ``held_id``.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(text(f"{_HELD} WHERE h.held_id = :held_id"), {"held_id": held_id}).one_or_none()
    if row is None:
        raise NotFound("held event", held_id)
    return HeldReference(*row)


def held_by_event(connection: Connection, source: str, event_id: str) -> HeldReference:
    """The held event that ``source`` calls ``event_id``.

    Raises:
        NotFound: there is none.
    """
    statement = text(f"{_HELD} WHERE s.name = :source AND h.event_id = :event_id")
    row = connection.execute(statement, {"source": source, "event_id": event_id}).one_or_none()
    if row is None:
        raise NotFound("held event", f"{source} {event_id}")
    return HeldReference(*row)


def confirm_duplicate(ledger: Ledger, held_id: int, actor: str, at: datetime) -> None:
    """It is the same movement told twice: the suspected event stays without effect, for good.

    Raises:
        VerbRefused: the event is not suspected of anything.
    """
    _dismiss(ledger, held_id, actor, at, "confirm duplicate", ("suspected_duplicate",))


def refuse(ledger: Ledger, held_id: int, actor: str, at: datetime) -> None:
    """The parked or refused event shall never apply.

    Raises:
        VerbRefused: the event is already in the ledger.
    """
    _dismiss(ledger, held_id, actor, at, "refuse", ("parked", "refused", "suspected_duplicate"))


def apply_after_all(ledger: Ledger, held_id: int, actor: str, at: datetime) -> BatchOutcome:
    """The held event is a movement of its own: apply it; it may still park when stock does not allow it.

    Raises:
        VerbRefused: the event is already in the ledger.
    """
    with ledger.database.reading() as connection:
        held = find_held(connection, held_id)
    if held.status == "applied":
        raise VerbRefused("apply", f"event {held.event_id}", "it is in the ledger already")
    return _retry(ledger, [held], at, actor, Flag.DECIDED)


def retry_lacking(ledger: Ledger, at: datetime) -> BatchOutcome:
    """Try the events again that wait for master data, now that some has changed."""
    with ledger.database.reading() as connection:
        rows = connection.execute(
            text(f"{_HELD} WHERE h.status = 'parked' AND h.lacks IS NOT NULL ORDER BY h.held_id")
        ).all()
    return _retry(ledger, [HeldReference(*row) for row in rows], at, None, Flag.NONE)


def reverse(ledger: Ledger, source: str, event_id: str, actor: str, at: datetime) -> None:
    """Take back what the accepted event did, by a compensating entry.

    Raises:
        NotFound: no entry has that id.
        VerbRefused: it was taken back before, or taking it back would drive a strict state negative.
    """
    with ledger.writing() as connection:
        reverse_entry(ledger, connection, source, event_id, actor, at)


def _retry(ledger: Ledger, held: Sequence[HeldReference], at: datetime, actor: str | None, flags: int) -> BatchOutcome:
    if not held:
        return BatchOutcome()
    with ledger.writing() as connection:
        bulk = Bulk(connection)
        catalogue = ledger.know_catalogue(connection)
        ledger.interned.load_sources(bulk, {h.source for h in held})
        arrivals: list[Arrival] = [held_arrival(h.source_id, h.payload, to_microseconds(at), catalogue) for h in held]
        lock_skus(connection, {arrival.sku for arrival in arrivals if arrival.sku})
        knowledge = recall(bulk, arrivals, catalogue, ledger.interned)
        # Between the look and the lock another process may have applied one, or a person decided on it.
        statuses = {(h.source_id, h.event_id): h.status for h in held}
        tried = {key for key, status in statuses.items() if knowledge.known[key].status == status}
        for waiting in knowledge.parked.values():  # what is tried by itself must not be tried again when freed
            waiting[:] = [other for other in waiting if (other.source_id, other.event.event_id) not in tried]
        arrivals = [arrival for arrival in arrivals if (arrival.source_id, arrival.event.event_id) in tried]
        for arrival in arrivals:
            arrival.flags |= flags
        decision = retry(arrivals, knowledge)
        ledger.commit_decision(connection, decision, knowledge, at, actor)
        return outcome_of(decision)


def _dismiss(ledger: Ledger, held_id: int, actor: str, at: datetime, verb: str, allowed: tuple[str, ...]) -> None:
    with ledger.database.transaction() as connection:
        lock_skus(connection, connection.execute(text(_HELD_SKU), {"held_id": held_id}).scalars())
        held = find_held(connection, held_id)
        if held.status not in allowed:
            raise VerbRefused(verb, f"event {held.event_id}", f"it is {held.status}")
        connection.execute(
            text(
                "UPDATE held_event SET status = 'dismissed', decided_at = :at, decided_by = :actor "
                "WHERE held_id = :held_id"
            ),
            {"at": to_microseconds(at), "actor": actor, "held_id": held_id},
        )
        resolve_subjects(connection, [held.subject], at, f"{verb} by {actor}")


_HELD_SKU = "SELECT p.sku FROM held_event h JOIN position p ON p.position_id = h.position_id WHERE h.held_id = :held_id"

_HELD = (
    "SELECT h.held_id, h.source_id, s.name, h.event_id, h.status, h.payload "
    "FROM held_event h JOIN source s ON s.source_id = h.source_id"
)
