"""Simulated channels as processes of their own, for tests and benchmarks that run end to end.

    with Fleet.start(["shopify", "amazon", "edi"], speed=100, listings={"MUG": 40}) as fleet:
        fleet["shopify"].follows_plan({"fault": "timeout_applied", "probability": 0.05, "seconds": 2}, seed=7)
        …                                  # point the service at fleet["shopify"].url and let it work
        fleet["amazon"].buy("MUG", 2)      # a simulated buyer
        fleet["shopify"].counters()        # what was received, applied, applied_twice, sold
        fleet.oversold({"MUG": 40})        # units beyond what there was, over all channels

Each process is ended, and waited for, when the block ends; and ends by itself when whoever started it is killed.
``speed`` is how fast the peers' clocks run: their buckets, queues, acknowledgements and fault plans go by it; sockets
go by ours. ``starts_at`` is their date.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from simulation.peers.clock import STARTS_AT
from simulation.peers.remote import RemotePeer
from simulation.peers.shelf import oversold

_PROJECT = Path(__file__).resolve().parents[2]
_END_S = 5.0


@dataclass(frozen=True, slots=True)
class _Member:
    peer: RemotePeer
    process: "subprocess.Popen[str]"


class Fleet(Mapping[str, RemotePeer]):
    """Peers by kind (``simulation.peers.kinds``), each a process on a port of its own."""

    def __init__(self, members: Mapping[str, _Member]) -> None:
        self._members = members

    @classmethod
    @contextmanager
    def start(
        cls,
        kinds: Iterable[str],
        *,
        listings: Mapping[str, int] | None = None,
        speed: float = 1.0,
        starts_at: datetime = STARTS_AT,
        generous: bool = False,
    ) -> Iterator[Self]:
        """Start one process for each of ``kinds``, all listing ``listings``.

        ``generous`` lifts every limit on how often they may be asked.

        Raises:
            OSError: a process ended before it listened; its complaint stands on standard error.
        """
        started: dict[str, subprocess.Popen[str]] = {}
        members: dict[str, _Member] = {}
        try:
            for kind in kinds:
                started[kind] = _process(kind, speed, starts_at, generous=generous)
            members = {kind: _Member(RemotePeer(_address(kind, process)), process) for kind, process in started.items()}
            for member in members.values():
                member.peer.lists(listings or {})
            yield cls(members)
        finally:
            for process in started.values():
                process.terminate()
            for member in members.values():
                member.peer.close()
            for process in started.values():
                _wait(process)

    def __getitem__(self, kind: str) -> RemotePeer:
        return self._members[kind].peer

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def oversold(self, stock: Mapping[str, int]) -> dict[str, int]:
        """Units by SKU that the peers together sold beyond ``stock``."""
        return oversold((peer.sold() for peer in self.values()), stock)

    def passes(self, seconds: float) -> None:
        """Move the clock of every peer on."""
        for peer in self.values():
            peer.passes(seconds)

    def kill(self, kind: str) -> None:
        """End a peer without warning: from now on its port refuses connections. What it knew is gone."""
        self._members[kind].process.kill()
        self._members[kind].process.wait()


def _process(kind: str, speed: float, starts_at: datetime, *, generous: bool) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-m",
        "simulation.peers",
        kind,
        "--speed",
        str(speed),
        "--starts-at",
        starts_at.isoformat(),
        "--while-stdin",
    ]
    if generous:
        command.append("--generous")
    return subprocess.Popen(  # noqa: S603  # our own module
        command, cwd=_PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _address(kind: str, process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None  # it is piped
    url = process.stdout.readline().strip()
    if not url:
        raise OSError(f"the simulated {kind} channel did not start; it ended with {process.wait()}")
    return url


def _wait(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None  # both are piped
        pipe.close()
