"""One alert a new case whose expected loss is above what the user set. Nothing configured: nothing sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from core_sync.cases.timeline import add_entry
from core_sync.database.engine import Database
from core_sync.money import from_ten_thousandths, to_ten_thousandths

ALERTED = "alert"
ALERT_FAILED = "alert_failed"
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

    A case is marked before it is sent, so that two workers send one alert; where sending fails
    that is noted too, and the next round tries again.
    """
    if not alerts.urls:
        return 0
    with database.transaction() as connection:
        cases = connection.execute(
            text(
                "SELECT c.case_id, c.title, c.root_cause, c.expected_loss, c.currency, c.recommended_action "
                "FROM exception_case c WHERE c.status = 'new' AND c.expected_loss > :above AND "
                "(SELECT coalesce(sum(CASE e.verb WHEN :alerted THEN 1 ELSE -1 END), 0) FROM case_entry e "
                "WHERE e.case_id = c.case_id AND e.verb IN (:alerted, :failed)) = 0 ORDER BY c.rank_value DESC"
            ),
            {"above": to_ten_thousandths(alerts.above), "alerted": ALERTED, "failed": ALERT_FAILED},
        ).all()
        for case in cases:
            add_entry(connection, case.case_id, _ACTOR, ALERTED, at, f"alert to {len(alerts.urls)} place(s)")
    sent = 0
    for case in cases:
        loss = f"{from_ten_thousandths(case.expected_loss):,.2f} {case.currency or ''}".strip()
        body = f"{case.title}\nroot cause: {case.root_cause}\nexpected loss: {loss}\n"
        if case.recommended_action:
            body += f"recommended: {case.recommended_action}\n"
        if _send(alerts.urls, f"Case {case.case_id}: {loss} at risk", body):
            sent += 1
        else:
            with database.transaction() as connection:
                add_entry(connection, case.case_id, _ACTOR, ALERT_FAILED, at, "no place took the alert")
    return sent


def _send(urls: Sequence[str], title: str, body: str) -> bool:
    import apprise  # heavy, and not needed where nothing is configured

    places = apprise.Apprise()
    for url in urls:
        places.add(url)
    return bool(places.notify(title=title, body=body))
