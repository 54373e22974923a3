"""What people said of differences and has not been taken back, for as long as it holds (``ml.anomaly.verdicts``)."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from ml.anomaly.verdicts import Figure, Verdict, Verdicts, beyond_usual
from ml.features.definitions import DELTA_SET
from ml.feedback.described import as_row


def read_verdicts(connection: Connection) -> Verdicts:
    """The newest verdict on each figure; that an audited row is no fault says nothing of the figure's later rows.

    A row whose features have since changed their meaning gives none.
    """
    found = Verdicts()
    found.hear(_read(connection))
    return found


def _read(connection: Connection) -> Iterator[tuple[Figure, Verdict]]:
    for system, sku, location, state, as_of, residual, said, described in connection.execute(_STANDING):
        row = as_row(DELTA_SET, described)
        if row is not None:
            far = float(beyond_usual(row[None])[0])
            yield (system, sku, location or "", state), Verdict(said == "true", float(residual), far, as_of)


_STANDING = text("""
SELECT d.system, d.sku, d.location, d.state, d.as_of,
       COALESCE(d.reported - d.expected - COALESCE(d.in_flight, 0), 0) AS residual, j.said, f.described
FROM judged_fact f JOIN judgement j ON j.judgement_id = f.judgement_id JOIN delta d ON d.delta_id = f.fact_id
WHERE f.kind = 'delta' AND j.ended_at IS NULL AND (j.said = 'true' OR (j.said = 'false' AND f.origin = 'alarm'))
ORDER BY j.judgement_id, d.as_of
""")
