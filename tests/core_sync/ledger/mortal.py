"""Processes that ingest a file and may be killed at any moment; what they have done so far is heard through a pipe."""

import os
import signal
import time
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from pathlib import Path

from core_sync.clock import now
from core_sync.database.engine import Database
from core_sync.intake import ingest
from core_sync.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class MortalIngest:
    """A process under way; a byte comes through ``heard`` for each batch that it committed."""

    process: ForkProcess
    heard: int

    def kill_after(self, batches: int, seconds: float) -> None:
        """``kill -9`` once ``batches`` are committed and ``seconds`` passed; too late where it has ended by then."""
        for _ in range(batches):
            os.read(self.heard, 1)  # nothing comes any more from one that has ended
        time.sleep(seconds)
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)

    def end(self) -> int:
        """Wait until it has ended; 0 where it did all, -9 where it was killed."""
        while os.read(self.heard, 4_096):
            pass
        os.close(self.heard)
        self.process.join()
        assert self.process.exitcode is not None
        return self.process.exitcode


def start_ingest(database_url: str, file: Path, batch: int) -> MortalIngest:
    """Ingest ``file`` in batches of ``batch`` events, in a process of its own.

    It is forked, since what is imported need not be imported again; nobody here may have the database open.
    """
    heard, told = os.pipe()
    process = get_context("fork").Process(target=_ingest, args=(database_url, file, batch, heard, told), daemon=True)
    process.start()
    os.close(told)
    return MortalIngest(process, heard)


def _ingest(database_url: str, file: Path, batch: int, heard: int, told: int) -> None:
    os.close(heard)

    def tell(_: int) -> None:
        os.write(told, b".")

    ingest.BATCH = batch  # in a process of our own: small batches, so that there are many to die in
    ingest.ingest_files(Ledger(Database(database_url)), [file], now, progress=tell)
