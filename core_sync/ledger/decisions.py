"""What people (and policies that people allowed) decide about held events and wrong entries.

A held event is applied or dismissed, an accepted one is taken back by a compensating entry: the
ledger itself is never changed. Each verb can be asked first what it would do: it is then carried out
in a transaction that is rolled back.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.cases.mentions import tell_cases_of_event
from core_sync.errors import NotFound, VerbRefused
from core_sync.failures.record import resolve_subjects
from core_sync.ledger.again import free_held, try_again
from core_sync.ledger.arrivals import from_payload
from core_sync.ledger.conflicts import know_telling
from core_sync.ledger.effects import Flag
from core_sync.ledger.event_parts import event_parts
from core_sync.ledger.exchange import put_in_place_of_first, take_back_whole
from core_sync.ledger.held import WAITING
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.locks import lock_skus
from core_sync.ledger.outcome import BatchOutcome, outcome_of
from core_sync.ledger.signals import held_subject
from core_sync.ledger.verdicts import (
    HeldReference,
    Verdict,
    find_held,
    lacking,
    mark_dismissed,
    name_of,
    verdict_on,
    waiting_for_nothing,
)


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
            written = put_in_place_of_first(ledger, connection, held, held.contradicts, actor, at)
        else:
            decision = try_again(ledger, connection, [held], at, actor, Flag.DECIDED)
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
        decision = ledger.write(lambda connection: try_again(ledger, connection, held, at, None, Flag.NONE))
        outcome.add(outcome_of(decision) if decision is not None else BatchOutcome())
    if allowed:
        outcome.add(outcome_of(ledger.write(lambda connection: free_held(ledger, connection, allowed, at))))
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
        written = take_back_whole(ledger, connection, source, event_id, actor, at)
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
        mark_dismissed(connection, held.source_id, held.event_id, actor, at)
        if held.contradicts is not None:
            know_telling(connection, held.source_id, held.contradicts, held.content)
        resolve_subjects(connection, [held.subject], at, f"{verb} by {actor}")
        _tell(connection, held, actor, verb, at, note)
        return verdict_on(connection, held.source, held.event_id, verb, "dismissed", held.message, [], dry_run)

    return _done_or_asked(ledger, dismiss, dry_run)


def _tell(connection: Connection, held: HeldReference, actor: str, verb: str, at: datetime, note: str | None) -> None:
    told = f"event {held.event_id} of {held.source}, {held.status.replace('_', ' ')}" + (f": {note}" if note else "")
    tell_cases_of_event(connection, held.subject, held.source, held.event_id, actor, verb, at, told)


_HELD_SKU = "SELECT p.sku FROM held_event h JOIN position p ON p.position_id = h.position_id WHERE h.held_id = :held_id"
