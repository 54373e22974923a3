"""What a case's strangest anomaly looks like in the course of its SKU: the last weeks of stock, with the point."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from api.shapes import Shape
from core_sync.clock import from_microseconds
from core_sync.ledger.course import DayOfStock, stock_course
from ml.feedback.similar import similar_cases

DAYS = 28


@dataclass(frozen=True, slots=True)
class Course:
    """Days of stock of a SKU (at a location, or all together), and where in them something was found strange.

    ``actual`` is what was reported, or moved (``kind`` says which); ``expected`` what would have been ordinary.
    """

    sku: str
    location: str
    kind: str
    days: tuple[DayOfStock, ...]
    point_at: datetime
    expected: int | None
    actual: int | None

    @property
    def alternative(self) -> str:
        """The chart in words."""
        place = f" at {self.location}" if self.location else ""
        low, high = min(one.on_hand for one in self.days), max(one.on_hand for one in self.days)
        told = f"Stock of {self.sku}{place} over {len(self.days)} days: between {low:,} and {high:,} units"
        marked = f"on {self.point_at:%Y-%m-%d %H:%M} UTC"
        if self.actual is None:
            return f"{told}; marked is {marked}."
        if self.kind == "movement":
            return f"{told}; marked is a movement of {self.actual:+,} units {marked}."
        expected = f" where {self.expected:,} were expected" if self.expected is not None else ""
        return f"{told}; marked is a figure of {self.actual:,}{expected} {marked}."


def course_of(connection: Connection, case_id: int) -> Course | None:
    """The course behind the case's strangest anomaly; None without one, or where its SKU has no stock."""
    row = connection.execute(text(_STRANGEST), {"case": case_id}).mappings().one_or_none()
    if row is None:
        return None
    at = from_microseconds(row["occurred_at"])
    days = tuple(stock_course(connection, row["sku"], row["location"] or None, at, DAYS))
    if not days:
        return None
    return Course(row["sku"], row["location"], row["kind"], days, at, row["expected"], row["actual"])


def past_of(connection: Connection, case_id: int) -> Shape:
    """The course of a case's SKU and the cases that are like it."""
    course = course_of(connection, case_id)
    told = {**asdict(course), "alternative": course.alternative} if course is not None else None
    return {"course": told, "similar": [asdict(one) for one in similar_cases(connection, case_id)]}


_STRANGEST = """
SELECT a.kind, a.sku, a.location, a.occurred_at, a.expected, a.actual
FROM case_signal s JOIN anomaly a ON a.anomaly_id = s.signal_id
WHERE s.kind = 'anomaly' AND s.case_id = :case ORDER BY a.settled_at IS NULL DESC, a.score DESC LIMIT 1
"""
