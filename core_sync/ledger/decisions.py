"""What people (and policies that people allowed) decide about held events and wrong entries.

A held event is applied or dismissed, an accepted one is taken back by a compensating entry: the
ledger itself is never changed. Each verb can be asked first what it would do: it is then carried out
in a transaction that is rolled back.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.cases.mentions import tell_cases_of_event
from core_sync.clock import to_microseconds
from core_sync.database.bulk import Bulk
from core_sync.errors import NotFound, VerbRefused
from core_sync.failures.record import resolve_subjects
from core_sync.ledger.arrivals import Arrival, from_payload
from core_sync.ledger.conflicts import know_telling
from core_sync.ledger.effects import Flag
from core_sync.ledger.event_parts import event_parts
from core_sync.ledger.held import WAITING
from core_sync.ledger.kits import in_components
from core_sync.ledger.knowledge import Decision, Knowledge
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.locks import lock_skus, skus_of
from core_sync.ledger.outcome import BatchOutcome, outcome_of
from core_sync.ledger.recall import recall
from core_sync.ledger.reversal import reverse_entry
from core_sync.ledger.rules import free_all, retry
from core_sync.ledger.signals import held_subject
from core_sync.ledger.verdicts import (
    HeldReference,
    Verdict,
    find_held,
    lacking,
    name_of,
    verdict_on,
    waiting_for_nothing,
)
from core_sync.ledger.waiting import held_arrival


def confirm_duplicate(
    ledger: Ledger, held_id: int, actor: str, at: datetime, note: str | None = None, dry_run: bool = False
) -> Verdict:
    """It is the same movement told twice, or told wrongly the second time: it stays without effect, for good.

    Raises:
        NotFound: there is no such held event.
        VerbRefused: the event is not suspected of anything.
    """
    return _dismiss(ledger, held_id, actor, at, "confirm", ("suspected_duplicate", "conflict"), note, dry_run)


def refuse(
    ledger: Ledger, held_id: int, actor: str, at: datetime, note: str | None = None, dry_run: bool = False
) -> Verdict:
    """The parked or refused event shall never apply; sent again it stays so, until it is applied after all.

    Raises:
        NotFound: there is no such held event.
        VerbRefused: the event is already in the ledger.
    """
    return _dismiss(ledger, held_id, actor, at, "refuse", WAITING, note, dry_run)


def apply_after_all(
    ledger: Ledger, held_id: int, actor: str, at: datetime, note: str | None = None, dry_run: bool = False
) -> Verdict:
    """The held event is a movement of its own: apply it; it may still park when stock does not allow it.

    One that contradicts an earlier telling takes its place: the first is taken back, this one applies, or neither.

    Raises:
        NotFound: there is no such held event.
        VerbRefused: the event is already in the ledger; or it contradicts another and cannot take its place.
    """

    def apply(connection: Connection) -> Verdict:
        held = find_held(connection, held_id)
        if held.status == "applied":
            raise VerbRefused("apply", f"event {held.event_id}", "it is in the ledger already")
        if held.contradicts is not None:
            written = _put_in_place_of_first(ledger, connection, held, held.contradicts, actor, at)
        else:
            decision = _retry(ledger, connection, [held], at, actor, Flag.DECIDED)
            if decision is None:
                raise VerbRefused("apply", f"event {held.event_id}", "it was decided on meanwhile")
            written = [name_of(entry) for entry in decision.entries]
        after = find_held(connection, held_id)
        _tell(connection, held, actor, "apply", at, note)
        return verdict_on(connection, after.source, after.event_id, "apply", after.status, after.message, written,
                          dry_run)  # fmt: skip

    return _done_or_asked(ledger, apply, dry_run)


def retry_lacking(ledger: Ledger, at: datetime) -> BatchOutcome:
    """Master data has changed: try again what lacked some, and what waits where stock may now go below zero."""
    with ledger.database.reading() as connection:
        held, allowed = lacking(connection), waiting_for_nothing(connection)
    outcome = BatchOutcome()
    if held:
        decision = ledger.write(lambda connection: _retry(ledger, connection, held, at, None, Flag.NONE))
        outcome.add(outcome_of(decision) if decision is not None else BatchOutcome())
    if allowed:
        outcome.add(outcome_of(ledger.write(lambda connection: _free(ledger, connection, allowed, at))))
    return outcome


def reverse(
    ledger: Ledger,
    source: str,
    event_id: str,
    actor: str,
    at: datetime,
    note: str | None = None,
    dry_run: bool = False,
) -> Verdict:
    """Take back what the accepted event did, by a compensating entry.

    Raises:
        NotFound: no entry has that id.
        VerbRefused: it was taken back before, or taking it back would drive a strict state negative.
    """

    def take_back(connection: Connection) -> Verdict:
        statuses = {part.status for part in event_parts(connection, source, event_id)}
        if "accepted" not in statuses and "reversed" in statuses:
            raise VerbRefused("reverse", f"event {event_id}", "it was taken back before")
        if "accepted" not in statuses:
            raise NotFound("ledger entry", f"{source} {event_id}")
        written = _take_back(ledger, connection, source, event_id, actor, at)
        told = f"event {event_id} of {source} is taken back" + (f": {note}" if note else "")
        tell_cases_of_event(connection, held_subject(source, event_id), source, event_id, actor, "reverse", at, told)
        return verdict_on(connection, source, event_id, "reverse", "reversed", told, written, dry_run)

    return _done_or_asked(ledger, take_back, dry_run)


class _OnlyAsked(Exception):
    """Ends a transaction that was only a question, with the answer."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def _done_or_asked(ledger: Ledger, verb: Callable[[Connection], Verdict], dry_run: bool) -> Verdict:
    """Carry ``verb`` out in a transaction of the ledger, rolled back where it was only asked what would happen."""

    def carried_out(connection: Connection) -> Verdict:
        verdict = verb(connection)
        if dry_run:
            raise _OnlyAsked(verdict)
        return verdict

    try:
        return ledger.write(carried_out)
    except _OnlyAsked as asked:
        return asked.verdict


def _retry(
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


def _take_back(
    ledger: Ledger,
    connection: Connection,
    source: str,
    event_id: str,
    actor: str,
    at: datetime,
    also: Collection[str] = (),
) -> list[tuple[str, str]]:
    """Take back what the event did, of a kit what each component's did, and let none of it that is held apply.

    The SKUs ``also`` named are locked with the event's own. Returns which entries that wrote.
    """
    parts = event_parts(connection, source, event_id)
    lock_skus(connection, {*also, *(part.sku for part in parts if part.sku)})
    written: list[tuple[str, str]] = []
    for part in event_parts(connection, source, event_id):
        if part.status == "accepted":
            entries = reverse_entry(ledger, connection, part.source, part.event_id, actor, at)
            written += [name_of(entry) for entry in entries]
        elif part.status in WAITING:
            _mark_dismissed(connection, part.source_id, part.event_id, actor, at)
            resolve_subjects(connection, [held_subject(source, part.event_id)], at, f"taken back by {actor}")
    return written


def _free(ledger: Ledger, connection: Connection, held: Sequence[HeldReference], at: datetime) -> Decision:
    """Apply what waits for stock at the places of ``held``, as far as those allow it now."""
    arrivals, knowledge = _recalled(ledger, connection, held, at)
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


def _put_in_place_of_first(
    ledger: Ledger, connection: Connection, held: HeldReference, first: str, actor: str, at: datetime
) -> list[tuple[str, str]]:
    """Take the first telling back, apply the one that contradicts it; says which entries that wrote.

    Raises:
        VerbRefused: the first cannot be taken back, or the other cannot apply.
    """
    catalogue = ledger.know_catalogue(connection)
    arrival = held_arrival(held.source_id, held.payload, held.content, to_microseconds(at), catalogue)
    skus = {component for component, _ in catalogue.components_of(arrival.sku, arrival.occurred_at)} | {arrival.sku}
    written = _take_back(ledger, connection, held.source, first, actor, at, also=skus - {""})
    decision = _retry(ledger, connection, [held], at, actor, Flag.DECIDED)
    refused = [one.message for one in decision.held.values() if one.status != "applied"] if decision else ["decided on"]
    if decision is None or refused:
        raise VerbRefused("apply", f"event {held.event_id}", f"{refused[0]}; the first telling stands")
    know_telling(connection, held.source_id, first, held.content)
    return written + [name_of(entry) for entry in decision.entries]


def _dismiss(
    ledger: Ledger,
    held_id: int,
    actor: str,
    at: datetime,
    verb: str,
    allowed: Sequence[str],
    note: str | None,
    dry_run: bool,
) -> Verdict:

    def dismiss(connection: Connection) -> Verdict:
        named = from_payload(find_held(connection, held_id).payload).sku
        kept = connection.execute(text(_HELD_SKU), {"held_id": held_id}).scalars()
        lock_skus(connection, {named, *kept})
        held = find_held(connection, held_id)
        if held.status not in allowed:
            raise VerbRefused(verb, f"event {held.event_id}", f"it is {held.status}")
        _mark_dismissed(connection, held.source_id, held.event_id, actor, at)
        if held.contradicts is not None:
            know_telling(connection, held.source_id, held.contradicts, held.content)
        resolve_subjects(connection, [held.subject], at, f"{verb} by {actor}")
        _tell(connection, held, actor, verb, at, note)
        return verdict_on(connection, held.source, held.event_id, verb, "dismissed", held.message, [], dry_run)

    return _done_or_asked(ledger, dismiss, dry_run)


def _mark_dismissed(connection: Connection, source_id: int, event_id: str, actor: str, at: datetime) -> None:
    bound = {"at": to_microseconds(at), "actor": actor, "source_id": source_id, "event_id": event_id}
    connection.execute(text(_DISMISS), bound)


def _tell(connection: Connection, held: HeldReference, actor: str, verb: str, at: datetime, note: str | None) -> None:
    told = f"event {held.event_id} of {held.source}, {held.status.replace('_', ' ')}" + (f": {note}" if note else "")
    tell_cases_of_event(connection, held.subject, held.source, held.event_id, actor, verb, at, told)


_HELD_SKU = "SELECT p.sku FROM held_event h JOIN position p ON p.position_id = h.position_id WHERE h.held_id = :held_id"

_DISMISS = (
    "UPDATE held_event SET status = 'dismissed', decided_at = :at, decided_by = :actor "
    "WHERE source_id = :source_id AND event_id = :event_id"
)
