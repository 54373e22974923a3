"""The service as a process of its own, listening on loopback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from benchmarks.rig.grounds import DISK

_LISTENING = "listening on "


@contextmanager
def served(database_url: str) -> Iterator[str]:
    """The address of ``stocktriage serve`` over the database; it is stopped when the block ends."""
    with TemporaryDirectory(prefix="stocktriage-bench-", dir=DISK) as home:
        command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0", "--database", database_url]
        settings = {**os.environ, "STOCKTRIAGE_HOME": home}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=settings) as server:
            assert server.stdout is not None
            said = server.stdout.readline().strip()
            if not said.startswith(_LISTENING):
                server.kill()
                raise RuntimeError(f"the service did not start: {said or 'it ended without a word'}")
            try:
                yield said.removeprefix(_LISTENING)
            finally:
                server.terminate()
                server.wait()
