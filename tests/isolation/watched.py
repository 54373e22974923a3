"""Run a program and learn whether it, or one it started, tried to leave the loopback interface."""

import ipaddress
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOPBACK_ONLY = Path(__file__).parent / "loopback_only"


@dataclass(frozen=True)
class Watched:
    """A watched program: its process, its environment's witness file, and its output so far."""

    process: subprocess.Popen[bytes]
    witness: Path
    output: Path

    def attempts(self) -> list[str]:
        """Every attempt to leave loopback, in words."""
        return self.witness.read_text(encoding="utf-8").splitlines() if self.witness.exists() else []

    def sockets_outside(self) -> list[str]:
        """Sockets open right now, here or in a program it started, that listen or lead beyond loopback.

        Looked up in the operating system, so that those opened by native code are seen as well.
        """
        program = psutil.Process(self.process.pid)
        found = []
        for process in [program, *program.children(recursive=True)]:
            for connection in process.net_connections(kind="inet"):
                ends = [end for end in (connection.laddr, connection.raddr) if end]
                if not all(ipaddress.ip_address(end.ip).is_loopback for end in ends):
                    found.append(f"{connection.status} {ends} of {process.pid}")
        return found

    def said(self) -> str:
        """What the program printed, both streams."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def wait_until(self, condition: Callable[[], bool], seconds_max: float) -> None:
        """Wait for ``condition``; fails with the program's words when it ends or takes too long."""
        give_up_at = time.monotonic() + seconds_max
        while not condition():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.said()}"
            assert time.monotonic() < give_up_at, f"not within {seconds_max} s:\n{self.said()}"
            time.sleep(0.1)


@contextmanager
def watched(command: Sequence[str | Path], folder: Path, **environment: str) -> Iterator[Watched]:
    """Start ``command``, watched; whatever still runs of it when the block ends is terminated.

    Args:
        command: the program and its arguments.
        folder: an empty folder for the witness and the output.
        environment: variables beside those of this process.
    """
    witness, output = folder / "outside.txt", folder / "output.txt"
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(LOOPBACK_ONLY), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        "STOCKTRIAGE_TEST_OUTSIDE": str(witness),
        **environment,
    }
    with output.open("wb") as written:
        process = subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, stdout=written, stderr=written)
    try:
        yield Watched(process, witness, output)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_watched(
    command: Sequence[str | Path], folder: Path, *, seconds_max: float = 120, **environment: str
) -> Watched:
    """Run ``command`` to its end, watched."""
    with watched(command, folder, **environment) as program:
        program.process.wait(seconds_max)
    return program
