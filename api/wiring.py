"""The one place that builds the world from settings: for HTTP, the command line, workers and tests.

What is heavy (models, durable runs) is imported and made when it is first asked for, so that a command
that only reads answers at once.
"""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from queue import LifoQueue
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from core_sync.clock import now
from core_sync.database.engine import Database
from core_sync.intake.gathering import Gathering
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.outcome import BatchOutcome
from core_sync.ledger.shares import Share
from core_sync.settings import Settings

if TYPE_CHECKING:
    from api.jobs.buffer_estimates import KeptEstimates
    from api.own_drift import OwnDrift
    from core_sync.channels.connect import Connections
    from ml.buffers.rails import Policy
    from ml.registry.challenger import Challenger
    from ml.registry.service_models import ServiceModels
    from ml.triage.warm import WarmScorers
    from remediation.notify import Alerts
    from remediation.warehouses import ConfiguredWarehouses
    from remediation.world import Runner
    from remediation.world import World as RemediationWorld

_PROJECT = Path(__file__).resolve().parent.parent
ROOMS = tuple(_PROJECT / room / "migrations" for room in ("core_sync", "ml", "remediation"))
"""The histories of the tables, in the order in which they are brought up to date."""

WRITERS = 2
"""Ledgers of one process on PostgreSQL: a small arrival need not wait for a large one. More make it no faster."""


@dataclass
class World:
    """Everything a door needs. Threads of one process share it."""

    settings: Settings
    database: Database
    clock: Callable[[], datetime] = now
    runner: "Runner | None" = None
    """Who carries approved runs out; None carries them out at once, in the caller's thread."""
    gathering: Gathering = field(init=False)
    """Where small arrivals of many threads are written together."""
    arrived: threading.Event = field(default_factory=threading.Event)
    """Set when this process has taken events in."""
    _ledgers: LifoQueue[Ledger] = field(default_factory=LifoQueue)

    def __post_init__(self) -> None:
        """Make the ledgers, as many as may write at once, and the gathering before them."""
        writers = 1 if self.database.is_sqlite else WRITERS
        for _ in range(writers):
            self._ledgers.put(Ledger(self.database))
        self.gathering = Gathering(self._write_shares, writers)

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """A ledger, for one thread at a time; the one used last comes first, for it remembers most.

        On SQLite, where one may write at a time, there is one; on PostgreSQL there are ``WRITERS``.
        """
        ledger = self._ledgers.get()
        try:
            yield ledger
        finally:
            self._ledgers.put(ledger)

    def _write_shares(self, shares: Sequence[Share]) -> list[BatchOutcome]:
        with self.ledger() as ledger:
            outcomes = ledger.apply_shares(shares)
        self.arrived.set()
        return outcomes

    @cached_property
    def channels(self) -> "Connections":
        """The connectors of the configured channels."""
        from core_sync.channels.connect import Connections

        tokens = {name: secret.get_secret_value() for name, secret in self.settings.channel_tokens.items()}
        return Connections(self.database, self.settings.channel_endpoints, tokens)

    @cached_property
    def warehouses(self) -> "ConfiguredWarehouses":
        """The configured warehouse systems."""
        from remediation.warehouses import ConfiguredWarehouses

        return ConfiguredWarehouses(self.database, self.settings.warehouse_endpoints)

    @cached_property
    def remediation(self) -> "RemediationWorld":
        """What actions reach."""
        from remediation.runs.inline import InlineRunner
        from remediation.world import World as RemediationWorld

        runner = self.runner or InlineRunner()
        return RemediationWorld(self.database, self.channels, self.warehouses, self.clock, runner)

    @property
    def models(self) -> "ServiceModels":
        """The models that are live now; each is read from disk when it is first asked for."""
        from ml.registry.service_models import live_models

        live = live_models(self.database, tuple(Path(file) for file in self.settings.code_files))
        known = self.__dict__.get("_models")
        if known is None or known.folders != live.folders:
            self.__dict__["_models"] = known = live
        return known

    @property
    def challenger(self) -> "tuple[Challenger, ServiceModels] | None":
        """Who answers beside the live root-cause model, ready to answer; None where nobody does."""
        from ml.registry.challenger import CHALLENGED, challenger
        from ml.registry.service_models import ServiceModels

        with self.database.reading() as connection:
            named = challenger(connection)
        if named is None:
            return None
        known = self.__dict__.get("_challenger")
        if known is None or known.folders[CHALLENGED] != named.folder:
            files = tuple(Path(file) for file in self.settings.code_files)
            self.__dict__["_challenger"] = known = ServiceModels({CHALLENGED: named.folder}, code_files=files)
        return named, known

    @cached_property
    def scorers(self) -> "WarmScorers":
        """What was learned of every item, kept between two looks at what is new."""
        from ml.triage.warm import WarmScorers

        return WarmScorers()

    @cached_property
    def estimates(self) -> "KeptEstimates":
        """What the last weeks say of demand, channels and suppliers, for buffers."""
        from api.jobs.buffer_estimates import KeptEstimates

        return KeptEstimates(self.database, lambda: self.models)

    @cached_property
    def own_drift(self) -> "OwnDrift":
        """Whether models of one's own facts still tell what comes true, kept between looks."""
        from api.own_drift import OwnDrift

        return OwnDrift(lambda: self.models)

    @property
    def buffer_policy(self) -> "Policy":
        """The limits of buffers, as set."""
        from ml.buffers.rails import POLICY

        settings = self.settings
        return replace(POLICY, approval_value=settings.buffer_approval_above, most_share=settings.buffer_most_share)

    @property
    def alerts(self) -> "Alerts":
        """Where alerts go, and above which expected loss."""
        from remediation.notify import Alerts

        urls = [secret.get_secret_value() for secret in self.settings.alert_urls]
        return Alerts(urls, self.settings.alert_above)

    def close(self) -> None:
        """Give back every connection."""
        if "estimates" in self.__dict__:
            self.estimates.settle()
        for name in ("channels", "warehouses"):
            if name in self.__dict__:
                self.__dict__[name].close()
        self.database.close()


def build_world(settings: Settings, clock: Callable[[], datetime] = now, runner: "Runner | None" = None) -> World:
    """The world that ``settings`` describe, its tables up to date.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
    """
    world = World(settings, Database(settings.database_url), clock, runner)
    migrate_if_behind(world.database)
    return world


def migrate_if_behind(database: Database) -> bool:
    """Bring the tables up to date where they are not; says whether they were behind."""
    with database.reading() as connection:
        there = set(inspect(connection).get_table_names())
        behind = any(_revision(connection, room, there) != newest_revision(room) for room in ROOMS)
    if behind:
        from core_sync.database.migrate import upgrade  # alembic is not needed where nothing is behind

        upgrade(database, *ROOMS[1:])
    return behind


def newest_revision(room: Path) -> str:
    """The last revision of a room's history, read without alembic: files are named by number."""
    newest = max((room / "versions").glob("[0-9]*.py"))
    found = re.search(r'^revision = "([^"]+)"', newest.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, f"{newest.name} tells no revision"
    return found.group(1)


def _revision(connection: Connection, room: Path, there: set[str]) -> str | None:
    table = f"alembic_version_{room.parent.name}"
    if table not in there:
        return None
    return connection.execute(text(f"SELECT version_num FROM {table}")).scalar_one_or_none()
