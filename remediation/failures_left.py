"""Which failures are still open, and closing those whose cause an action removed."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from core_sync.database.engine import Database
from core_sync.failures.tables import Failure


def still_open(database: Database, failure_ids: Sequence[int]) -> set[int]:
    """Those of ``failure_ids`` that are not resolved."""
    statement = select(col(Failure.failure_id)).where(
        col(Failure.failure_id).in_(failure_ids), col(Failure.resolved_at).is_(None)
    )
    with database.reading() as connection:
        return {failure_id for failure_id in connection.execute(statement).scalars() if failure_id is not None}
