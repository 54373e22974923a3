"""Each source's reconciliation rule: whose figure wins where it differs, and how many units may."""

from sqlalchemy import Connection, text

from core_sync.interchange.profile_rules import ReconciliationRule


def declare_rule(connection: Connection, source: str, rule: ReconciliationRule) -> None:
    """Say that ``rule`` holds for what ``source`` reports from now on; its opening stock stays as it is known."""
    bound = {"name": source, "winner": rule.winner, "tolerance": rule.tolerance}
    connection.execute(text(_DECLARE), bound)


def source_rules(connection: Connection) -> dict[str, ReconciliationRule]:
    """The rule of each source that has one, by its name."""
    told = connection.execute(text("SELECT name, winner, tolerance FROM source WHERE winner <> '' OR tolerance > 0"))
    return {name: ReconciliationRule(winner, tolerance) for name, winner, tolerance in told}


_DECLARE = """
INSERT INTO source (name, opening, winner, tolerance) VALUES (:name, 'zero', :winner, :tolerance)
ON CONFLICT (name) DO UPDATE SET winner = excluded.winner, tolerance = excluded.tolerance
"""
