"""One round of expectations: read what is new, tell what did not come, listen for who is silent."""

from dataclasses import dataclass
from datetime import datetime

from core_sync.database.engine import Database
from core_sync.expectations.check import check
from core_sync.expectations.follow import follow
from core_sync.expectations.silence import listen


@dataclass(frozen=True, slots=True)
class ExpectRound:
    """What a round did: expectations begun and met, breaches told, sources that fell silent."""

    begun: int
    met: int
    breached: int
    silent: int


def expect(database: Database, at: datetime) -> ExpectRound:
    """Do one round at ``at``."""
    followed = follow(database, at)
    checked = check(database, at)
    listened = listen(database, at)
    return ExpectRound(followed.begun, followed.met, checked.breached, listened.silent)
