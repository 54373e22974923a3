"""One round of expectations: read what is new, tell what did not come, listen for who is silent."""

from dataclasses import dataclass
from datetime import datetime

from core_sync.database.engine import Database
from core_sync.expectations.check import check
from core_sync.expectations.follow import follow
from core_sync.expectations.silence import listen
from core_sync.expectations.unsold import look_for_unsold


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
    unsold = look_for_unsold(database, at)
    return ExpectRound(followed.begun, followed.met, checked.breached + unsold, listened.silent)
