"""Cases in the trade's words: what triage would have opened, and what is so by now."""

from sqlalchemy import text

from core_sync.cases.signals import open_or_join
from core_sync.database.engine import Database
from core_sync.failures.mapping import tell_candidates
from tests.core_sync.stocked import Clock


def a_case(database: Database, clock: Clock, root_cause: str, subclass: str | None = None) -> int:
    """All open failures that are in no case yet, as one case of that cause, after what triage finds out for them."""
    with database.transaction() as connection:
        tell_candidates(connection)
        failures = connection.execute(
            text(
                "SELECT failure_id FROM failure WHERE resolved_at IS NULL AND failure_id NOT IN "
                "(SELECT signal_id FROM case_signal WHERE kind = 'failure') ORDER BY failure_id"
            )
        ).scalars()
        cases = [open_or_join(connection, f"{root_cause}:all", "failure", failure, clock()) for failure in failures]
        assert cases, "nothing has failed"
        connection.execute(
            text("UPDATE exception_case SET root_cause = :cause, subclass = :subclass WHERE case_id = :case_id"),
            {"cause": root_cause, "subclass": subclass, "case_id": cases[0]},
        )
    return cases[0]


def case_status(database: Database, case_id: int) -> str:
    with database.reading() as connection:
        row = connection.execute(text("SELECT status FROM exception_case WHERE case_id = :c"), {"c": case_id}).one()
    return str(row.status)


def timeline(database: Database, case_id: int) -> list[tuple[str, str]]:
    """Actor and verb of each line."""
    with database.reading() as connection:
        rows = connection.execute(
            text("SELECT actor, verb FROM case_entry WHERE case_id = :c ORDER BY entry_id"), {"c": case_id}
        )
        return [(row.actor, row.verb) for row in rows]


def on_hand(database: Database, sku: str) -> tuple[int, int]:
    """On hand and allocated over all locations."""
    with database.reading() as connection:
        row = connection.execute(
            text(
                "SELECT coalesce(sum(on_hand), 0) AS held, coalesce(sum(allocated), 0) AS allocated "
                "FROM position WHERE sku = :s"
            ),
            {"s": sku},
        ).one()
    return int(row.held), int(row.allocated)


def work(database: Database) -> list[tuple[str, str, str | None]]:
    """Kind, status and reference of each item of work."""
    with database.reading() as connection:
        rows = connection.execute(text("SELECT kind, status, reference FROM work_item ORDER BY item_id"))
        return [(row.kind, row.status, row.reference) for row in rows]
