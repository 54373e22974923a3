"""The one write path of stock: a batch of events in, one transaction, everything said.

One probe for known ids, one read of what the batch touches, the pure ``decide``, bulk writes of
entries, held events and positions, failures and push intents beside them; then commit.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from core_sync.clock import to_microseconds
from core_sync.database.bulk import Bulk
from core_sync.database.engine import Database, again_after_collisions
from core_sync.errors import WritersCollided
from core_sync.ledger import store
from core_sync.ledger.events import Event
from core_sync.ledger.intern import Interned
from core_sync.ledger.kits import in_components, once
from core_sync.ledger.knowledge import Decision, Knowledge
from core_sync.ledger.locks import locking, skus_of
from core_sync.ledger.outcome import BatchOutcome, Origin, outcome_of
from core_sync.ledger.places import Places
from core_sync.ledger.recall import recall
from core_sync.ledger.rules import decide
from core_sync.ledger.shares import Share, outcomes_by_share
from core_sync.ledger.signals import tell
from core_sync.master_data.catalogue import Catalogue, read_catalogue
from core_sync.outbox.intend import refresh_intents

T = TypeVar("T")


class Ledger:
    """The ledger of one database. Keys of sources and positions and the catalogue are kept between batches.

    One thread at a time; it keeps one connection of its own, which ``close`` gives back.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.interned = Interned()
        self.catalogue = Catalogue(version=-1)
        self._places = Places(self.interned)
        self._connection: Connection | None = None

    def close(self) -> None:
        """Give back the connection; the next write takes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def apply(
        self,
        events: Sequence[Event],
        recorded_at: datetime | Sequence[datetime],
        actor: str | None = None,
        origins: Sequence[Origin] | None = None,
    ) -> BatchOutcome:
        """Apply ``events`` in the order given, in one transaction.

        ``recorded_at`` is our clock; a replay of what was recorded before hands in one moment an event.

        Raises:
            DatabaseUnavailable: nothing was written; the same batch may be sent again.
        """
        if not events:
            return BatchOutcome()
        moments = [recorded_at] * len(events) if isinstance(recorded_at, datetime) else recorded_at
        return self.write(
            lambda connection: outcome_of(self._apply_within(connection, events, moments, actor, origins))
        )

    def apply_shares(self, shares: Sequence[Share]) -> list[BatchOutcome]:
        """Apply what several callers bring, in the order given, in one transaction; the actor is the first one's.

        Raises:
            DatabaseUnavailable: nothing was written; the same may be sent again.
        """
        events = [event for share in shares for event in share.events]
        if not events:
            return [BatchOutcome() for _ in shares]
        moments = [share.recorded_at for share in shares for _ in share.events]
        origins = [origin for share in shares for origin in share.origins]
        whose = [number for number, share in enumerate(shares) for _ in share.events]
        actor = shares[0].actor
        return self.write(
            lambda connection: outcomes_by_share(
                self._apply_within(connection, events, moments, actor, origins, whose), len(shares)
            )
        )

    def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` makes of a transaction of the ledger; it runs anew where it met another writer.

        Two may see the same new id at once, or wait for each other; the loser reads again and goes on.

        Raises:
            DatabaseUnavailable: nothing was written.
        """

        def once() -> T:
            with self.writing() as connection:
                return work(connection)

        return again_after_collisions(once, (IntegrityError, WritersCollided))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction of the ledger: keys that it makes are kept when it commits, and forgotten when it does not.

        Raises:
            DatabaseUnavailable: nothing was written.
            WritersCollided: another writer was in the way; nothing was written.
        """
        try:
            with self.database.transaction(self._own_connection()) as connection:
                yield connection
        except BaseException:
            self.interned.rolled_back()
            self._places.forget()
            if self._connection is not None and self._connection.invalidated:
                self.close()
            raise
        self.interned.committed()

    def know_catalogue(self, connection: Connection) -> Catalogue:
        """Master data, and which sources are relative, as they are now."""
        bulk = Bulk(connection)
        bulk.cursor.execute(_STATE)
        (version, _), *relative = bulk.cursor.fetchall()
        self.interned.relative_sources = frozenset(source_id for _, source_id in relative)
        if version != self.catalogue.version:
            self.catalogue = read_catalogue(connection, version)
            self._places.forget()
        return self.catalogue

    def _hold_catalogue(self, connection: Connection) -> None:
        """Let nobody change master data before what lacks some is written down, so that a change finds it.

        Raises:
            WritersCollided: it was changed since this transaction read it.
        """
        if connection.dialect.name == "sqlite":
            return
        version = connection.execute(text("SELECT version FROM master_data_version FOR SHARE")).scalar_one_or_none()
        if (version or 0) != self.catalogue.version:
            raise WritersCollided("master data has changed meanwhile")

    def _own_connection(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self.database.connect()
        return self._connection

    def commit_decision(
        self,
        connection: Connection,
        decision: Decision,
        knowledge: Knowledge,
        recorded_at: datetime,
        actor: str | None,
    ) -> None:
        """Write a decision, tell its failures and intend its pushes, all in the caller's transaction."""
        if self.catalogue.kits:
            decision.further_parts += sum(entry.arrival.part_of != "" for entry in decision.entries)
        if any(held.arrival.lack is not None for held in decision.held.values()):
            self._hold_catalogue(connection)
        store.write(Bulk(connection), decision, knowledge, to_microseconds(recorded_at), actor, self.catalogue.version)
        tell(connection, decision, knowledge, recorded_at)
        refresh_intents(connection, {entry.arrival.sku for entry in decision.entries}, recorded_at)

    def _apply_within(
        self,
        connection: Connection,
        events: Sequence[Event],
        moments: Sequence[datetime],
        actor: str | None,
        origins: Sequence[Origin] | None,
        whose: Sequence[int] | None = None,
    ) -> Decision:
        """Rule on the events and write what is decided; ``whose`` share each is, where they are of several."""
        bulk = Bulk(connection)
        catalogue = self.know_catalogue(connection)
        self.interned.load_sources(bulk, {event.source for event in events})
        arrivals = self._places.arrivals(bulk, events, moments, catalogue)
        if origins is not None:
            for arrival, origin in zip(arrivals, origins, strict=True):
                arrival.file, arrival.row = origin.file, origin.row
        if whose is not None:
            for arrival, share in zip(arrivals, whose, strict=True):
                arrival.share = share
        if catalogue.kits:
            arrivals = in_components(arrivals, bulk, catalogue, self.interned)
        locks = () if bulk.is_sqlite else (locking(skus_of(arrivals)),)
        knowledge = recall(bulk, arrivals, catalogue, self.interned, locks)
        decision = decide(once(arrivals, knowledge) if catalogue.kits else arrivals, knowledge)
        self.commit_decision(connection, decision, knowledge, max(moments), actor)
        return decision


_STATE = """
SELECT COALESCE((SELECT version FROM master_data_version), 0), NULL
UNION ALL SELECT NULL, source_id FROM source WHERE opening = 'unknown'
"""
"""The number of changes ever made to master data; then the sources whose opening stock is unknown."""
