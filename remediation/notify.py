"""One alert a new case whose expected loss is above what the user set. Nothing configured: nothing sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.money import from_ten_thousandths, to_ten_thousandths
from remediation.outcomes import tell_case

ALERTED = "alert"
_ACTOR = "stocktriage"


@dataclass(frozen=True, slots=True)
class Alerts:
    """Where alerts go (Apprise URLs) and above which expected loss, in the reporting currency.

    The door that reads settings makes it of ``STOCKTRIAGE_ALERT_URLS`` and ``STOCKTRIAGE_ALERT_ABOVE``.
    """

    urls: Sequence[str]
    above: Decimal


def alert_new_cases(database: Database, alerts: Alerts, at: datetime) -> int:
    """Send an alert for each case not yet alerted; returns how many were sent.

    A case is marked before it is sent, so that two workers send one alert; where sending fails the mark
    is taken away and the next round tries again.
    """
    if not alerts.urls:
        return 0
    with database.transaction() as connection:
        cases = connection.execute(
            text(
                "SELECT c.case_id, c.title, c.root_cause, c.expected_loss, c.currency, c.recommended_action "
                "FROM exception_case c WHERE c.status = 'new' AND c.expected_loss > :above AND NOT EXISTS "
                "(SELECT 1 FROM case_entry e WHERE e.case_id = c.case_id AND e.verb = :alerted) "
                "ORDER BY c.rank_value DESC"
            ),
            {"above": to_ten_thousandths(alerts.above), "alerted": ALERTED},
        ).all()
        for case in cases:
            tell_case(connection, case.case_id, at, _ACTOR, ALERTED, f"alert to {len(alerts.urls)} place(s)")
    sent = 0
    for case in cases:
        loss = f"{from_ten_thousandths(case.expected_loss):,.2f} {case.currency or ''}".strip()
        body = f"{case.title}\nroot cause: {case.root_cause}\nexpected loss: {loss}\n"
        if case.recommended_action:
            body += f"recommended: {case.recommended_action}\n"
        if _send(alerts.urls, f"Case {case.case_id}: {loss} at risk", body):
            sent += 1
        else:
            _take_mark_away(database, case.case_id)
    return sent


def _send(urls: Sequence[str], title: str, body: str) -> bool:
    import apprise  # heavy, and not needed where nothing is configured

    places = apprise.Apprise()
    for url in urls:
        places.add(url)
    return bool(places.notify(title=title, body=body))


def _take_mark_away(database: Database, case_id: int) -> None:
    with database.transaction() as connection:
        connection.execute(
            text("DELETE FROM case_entry WHERE case_id = :case_id AND verb = :alerted"),
            {"case_id": case_id, "alerted": ALERTED},
        )
