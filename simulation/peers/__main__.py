"""One simulated channel as a process: ``python -m simulation.peers shopify --port 8081``.

Prints its base URL and serves on loopback until it is told to end. ``/_stock`` lists SKUs, ``/_plan`` sets faults;
the other doors stand in ``simulation.peers.control``.
"""

import argparse
import os
import signal
import sys
import threading
from datetime import datetime

from simulation.peers.clock import STARTS_AT, PeerClock
from simulation.peers.kinds import KINDS, Manner
from simulation.peers.serve import serve


def main() -> None:
    """Read the command line, and serve."""
    parser = argparse.ArgumentParser(prog="python -m simulation.peers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds that pass for the peer in one of ours")
    parser.add_argument("--starts-at", type=datetime.fromisoformat, default=STARTS_AT, help="the peer's date and time")
    parser.add_argument("--settle-s", type=float, default=0.0, help="how long it queues what it accepts")
    parser.add_argument("--generous", action="store_true", help="lift every limit on how often it may be asked")
    parser.add_argument("--while-stdin", action="store_true", help="end when standard input does")
    told = parser.parse_args()
    if told.while_stdin:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    clock = PeerClock(told.speed, told.starts_at)
    serve(KINDS[told.kind]({}, clock, Manner(told.generous, told.settle_s)), told.port)


def _end_with_stdin() -> None:
    """Wait until whoever holds the other end of standard input is gone, however it went."""
    while sys.stdin.buffer.read(1_024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


main()
