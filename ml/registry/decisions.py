"""What each version of a model decided: every opinion names the version it is from."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, text

from ml.registry.manifest import OWN_NAMES

_DIAGNOSES = """
SELECT model_version, abstained, root_cause, COUNT(*) AS times
FROM diagnosis GROUP BY model_version, abstained, root_cause
"""
"""Grouped as the index lies, so that only the index is read."""
_ANOMALIES = """
SELECT model_version, FALSE AS abstained, 'anomaly' AS decision, COUNT(*) AS times
FROM anomaly WHERE kind = :kind GROUP BY model_version
"""


def decisions(connection: Connection, name: str) -> Mapping[str, Mapping[str, int]]:
    """How often each version of the model ``name`` decided what, by version and decision.

    A root cause is counted as such unless the model abstained, then under ``abstained``; a detector's decisions are the
    anomalies it raised. A version that was live twice is counted over both times.
    """
    if name == "root_cause":
        rows = connection.execute(text(_DIAGNOSES))
    elif name in OWN_NAMES:
        return {}  # what it tells are terms of a recommendation, which is worked out anew each time it is asked for
    else:
        rows = connection.execute(text(_ANOMALIES), {"kind": name.removesuffix("_detector")})
    told: dict[str, dict[str, int]] = defaultdict(dict)
    for version, abstained, decision, times in rows:
        counted = told[version]
        decision = "abstained" if abstained else decision
        counted[decision] = counted.get(decision, 0) + times
    return dict(told)
