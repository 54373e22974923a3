"""Where a challenger answered otherwise than the live model decided, and who was right where people told the cause."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

ABSTAINED = "abstained"
"""What a decision is called that was left to a person."""


@dataclass(frozen=True, slots=True)
class Otherwise:
    """How often the live model decided ``live`` and the challenger ``challenger`` of the same failure."""

    live: str
    challenger: str
    failures: int
    labelled: int
    """Of how many people told the cause since."""
    live_right: int
    challenger_right: int


@dataclass(frozen=True, slots=True)
class Beside:
    """All answers of a challenger beside the live model's."""

    answered: int
    otherwise: tuple[Otherwise, ...]
    """The most frequent pair first."""
    labelled: int
    live_right: int
    challenger_right: int

    @property
    def share(self) -> float | None:
        """Share of its answers that are not the live model's; None before the first."""
        return sum(one.failures for one in self.otherwise) / self.answered if self.answered else None


def beside(connection: Connection, version: str) -> Beside:
    """What the challenger ``version`` answered beside what was decided; nothing of it is a decision."""
    rows = [Otherwise(*row) for row in connection.execute(text(_PAIRS), {"version": version})]
    return Beside(
        answered=sum(row.failures for row in rows),
        otherwise=tuple(row for row in rows if row.live != row.challenger),
        labelled=sum(row.labelled for row in rows),
        live_right=sum(row.live_right for row in rows),
        challenger_right=sum(row.challenger_right for row in rows),
    )


_PAIRS = f"""
SELECT live, challenger, COUNT(*) AS failures, COUNT(told),
       SUM(CASE WHEN told = live THEN 1 ELSE 0 END), SUM(CASE WHEN told = challenger THEN 1 ELSE 0 END)
FROM (
    SELECT CASE WHEN d.abstained THEN '{ABSTAINED}' ELSE d.root_cause END AS live,
           CASE WHEN c.abstained THEN '{ABSTAINED}' ELSE c.root_cause END AS challenger,
           (SELECT l.root_cause FROM cause_label l
            WHERE l.failure_id = c.failure_id AND l.withdrawn_at IS NULL
            ORDER BY l.label_id DESC LIMIT 1) AS told
    FROM challenger_diagnosis c JOIN diagnosis d ON d.failure_id = c.failure_id
    WHERE c.model_version = :version
) pairs
GROUP BY live, challenger ORDER BY failures DESC, live, challenger
"""
