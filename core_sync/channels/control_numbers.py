"""Control numbers of interchanges: each given out once, whoever asks; after the largest they begin again at 1."""

from sqlalchemy import text

from core_sync.channels.x12 import CONTROL_NUMBER_MAX
from core_sync.database.engine import Database

_NEXT = """
INSERT INTO interchange_number (channel, last_number) VALUES (:channel, 1)
ON CONFLICT (channel) DO UPDATE SET last_number = interchange_number.last_number % :largest + 1
RETURNING last_number
"""


def next_control_number(database: Database, channel: str) -> int:
    """A number that no interchange to ``channel`` has; it stays used, whether or not the interchange is sent."""
    with database.transaction() as connection:
        bound = {"channel": channel, "largest": CONTROL_NUMBER_MAX}
        return int(connection.execute(text(_NEXT), bound).scalar_one())
