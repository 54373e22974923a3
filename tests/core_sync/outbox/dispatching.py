"""A dispatcher as a process of its own, to be killed: ``python -m tests.core_sync.outbox.dispatching URL CHANNEL``."""

import sys
import time
from datetime import timedelta

from core_sync.channels.connect import Connections
from core_sync.clock import now
from core_sync.database.engine import Database
from core_sync.outbox.dispatch import Dispatcher, Pushed, push_channel
from core_sync.outbox.read_back import ReadBack, look

LEASE = timedelta(seconds=1)
"""Short, so that what a killed dispatcher held is soon another's."""

ANSWER_S = 0.4


def main(url: str, channel: str) -> None:
    """Push and read back until somebody ends us."""
    database = Database(url)
    channels = Connections(database, answer_s=ANSWER_S)
    who = Dispatcher(lease=LEASE)
    print("at work", flush=True)
    while True:
        pushed = push_channel(database, channels, channel, now(), dispatcher=who)
        seen = look(database, channels, channel, now())
        if pushed == Pushed() and seen == ReadBack():
            time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
