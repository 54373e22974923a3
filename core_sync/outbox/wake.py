"""Wake dispatchers when something was committed, rather than have them look now and then.

On PostgreSQL the transaction that intends a push notifies, which is delivered when it commits. SQLite has no such
word between processes; there each commit changes ``data_version``, which costs microseconds to look at.
"""

import logging
import threading
from contextlib import closing

from sqlalchemy import Connection, text

from core_sync.database.engine import Database
from core_sync.errors import DatabaseUnavailable

_LOG = logging.getLogger("stocktriage.outbox")

_NOTICE = "stocktriage_outbox"
_LOOK_S = 0.03
"""How often SQLite is looked at: an intent waits half of this on average."""
_LISTEN_S = 0.5
"""How long one wait for a notice lasts at most, so that stopping does not take longer."""
_LOST_S = 2.0
"""How long to wait before listening again where the database went away; pushes go on by the clock meanwhile."""


def ring(connection: Connection) -> None:
    """Wake whoever waits for pushes to come due, when this transaction commits."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_notify(:notice, '')"), {"notice": _NOTICE})


class Bell:
    """Counts what woke it. Any number of threads of one process wait on one bell.

    A notice may be lost with a connection, or come for nothing: who waits looks for itself, and waits no longer than
    until its next own due time.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rung = threading.Condition()
        self._count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_listening, name="outbox-bell", daemon=True)
        self._thread.start()

    @property
    def count(self) -> int:
        """How often it rang; read it before looking for work, and wait from there."""
        return self._count

    def wait(self, since: int, seconds: float) -> None:
        """Return when it rang after ``since`` was read, or after ``seconds``."""
        with self._rung:
            self._rung.wait_for(lambda: self._count != since, timeout=max(0.0, seconds))

    def strike(self) -> None:
        """Wake everybody who waits."""
        with self._rung:
            self._count += 1
            self._rung.notify_all()

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        self.strike()
        self._thread.join(timeout=5)

    def _keep_listening(self) -> None:
        listen = self._watch_file if self._database.is_sqlite else self._listen
        while not self._stop.is_set():
            try:
                listen()
            except Exception as error:
                _LOG.warning("not woken by commits for now: %s", error)
                self.strike()
                self._stop.wait(_LOST_S)

    def _watch_file(self) -> None:
        with self._database.engine.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert driver is not None
            seen = None
            while not self._stop.wait(_LOOK_S):
                with closing(driver.execute("PRAGMA data_version")) as found:
                    (version,) = found.fetchone()
                if version != seen:
                    seen = version
                    self.strike()

    def _listen(self) -> None:
        with self._database.engine.connect() as connection:
            connection.detach()  # a connection that listens is of no use to others
            listening = connection.execution_options(isolation_level="AUTOCOMMIT")
            listening.execute(text(f"LISTEN {_NOTICE}"))
            driver = listening.connection.dbapi_connection
            if driver is None:
                raise DatabaseUnavailable(self._database.shown_url, "the listening connection is gone")
            while not self._stop.is_set():
                for _ in driver.notifies(timeout=_LISTEN_S, stop_after=1):
                    self.strike()
