"""A database of its own for each test, on both kinds; and a shop in memory that sells what WH holds."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.outbox.control import Control, read_control
from core_sync.outbox.dispatch import Dispatcher, Pushed, push_channel
from core_sync.outbox.intend import hold, release
from core_sync.outbox.listing import Listing
from core_sync.outbox.read_back import ReadBack, look
from tests.core_sync.outbox.scripted import Connected, ScriptedChannel
from tests.core_sync.stocked import MORNING, Clock, a_channel, a_location, a_sku, happens


@dataclass
class Shop:
    """One live channel, what it shows, and a clock that stands still between rounds."""

    database: Database
    channel: ScriptedChannel = field(default_factory=ScriptedChannel)
    clock: Clock = field(default_factory=Clock)

    @property
    def connectors(self) -> Connected:
        return Connected({"shop": self.channel})

    def stock(self, **quantities: int) -> None:
        """Each SKU's stock becomes so many units."""
        for sku, quantity in quantities.items():
            happens(self.database, "count", sku, quantity, at=self.clock.pass_(seconds=1))

    def push(self, jitter: float = 1.0, lease: timedelta = timedelta(seconds=30), name: str = "one") -> Pushed:
        """A round by a dispatcher of that ``name``."""
        who = Dispatcher(name, lease, jitter=lambda: jitter)
        return push_channel(self.database, self.connectors, "shop", self.clock.pass_(milliseconds=1), dispatcher=who)

    def look(self, **later: float) -> ReadBack:
        """A look at what it shows, a second later where nothing else is said."""
        return look(self.database, self.connectors, "shop", self.clock.pass_(**(later or {"seconds": 1})))

    def settled(self) -> None:
        """Push and look until nothing is due."""
        for _ in range(50):
            if self.push() == Pushed():
                break
        self.look()

    def hold(self) -> None:
        """Put S on hold."""
        with self.database.transaction() as connection:
            hold(connection, [Listing("shop", "S")], "why")

    def release(self) -> None:
        """Let S go again."""
        with self.database.transaction() as connection:
            release(connection, [Listing("shop", "S")], self.now())

    def state(self, sku: str = "S") -> str:
        """The state of one listing."""
        with self.database.reading() as connection:
            found = connection.execute(text("SELECT state FROM push_intent WHERE sku = :sku"), {"sku": sku})
            return str(found.scalar_one())

    def control(self) -> Control:
        """Its breaker and budget."""
        with self.database.reading() as connection:
            return read_control(connection, "shop")

    def now(self) -> datetime:
        return self.clock.at


@pytest.fixture
def shop(database: Database) -> Shop:
    a_sku(database, "S", "T", "U", "V")
    a_location(database, "WH", control="lenient")
    a_channel(database, "shop")
    return Shop(database, clock=Clock(MORNING))
