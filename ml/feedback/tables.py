"""Storage of what people say of scored rows, of the rows drawn for audits, and of how p-values lie from day to day."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from core_sync.database.columns import key, moment, whole


class Judgement(SQLModel, table=True):
    """What a person said of a case's anomalies or of an audited row; it stands until ``ended_at`` is set.

    Where ``said`` is ``expected``, what fits ``sku``, ``location``, ``channel`` and ``kind`` (empty: any) raises no
    case until ``until``.
    """

    __tablename__ = "judgement"
    __table_args__ = (
        CheckConstraint("said IN ('true', 'false', 'expected')", name="judgement_known"),
        CheckConstraint("(said = 'expected') = (until IS NOT NULL)", name="expected_has_an_end"),
        Index("judgement_by_case", "case_id"),
        Index("judgement_by_audit", "audit_id"),
        Index("judgement_until", "until"),
    )

    judgement_id: int | None = key()
    said: str
    reason: str = ""
    case_id: int | None = whole(None)
    audit_id: int | None = whole(None)
    sku: str = ""
    location: str = ""
    channel: str = ""
    kind: str = ""
    until: int | None = moment(None)
    said_by: str
    said_at: int = moment()
    ended_by: str | None = None
    ended_at: int | None = moment(None)
    """It was taken back then; an expectation that merely ran out keeps none."""


class JudgedFact(SQLModel, table=True):
    """A scored row that a judgement is about, with its features as they were known when it was scored.

    ``probability_before`` is the chance of a fault that the judgement replaced; ``settled`` says that the judgement
    settled the row's anomaly. Taking it back undoes both.
    """

    __tablename__ = "judged_fact"
    __table_args__ = (Index("judged_fact_by_fact", "kind", "fact_id"),)

    judgement_id: int = whole(primary_key=True, foreign_key="judgement.judgement_id")
    kind: str = Field(primary_key=True)
    fact_id: int = whole(primary_key=True)
    origin: str
    """``alarm`` or ``audit``."""
    described: str
    probability_before: float | None = None
    settled: bool = False


class Audit(SQLModel, table=True):
    """A scored row without an alarm, drawn at random to be looked at on ``day`` (days since 1970, UTC)."""

    __tablename__ = "audit"
    __table_args__ = (
        UniqueConstraint("kind", "fact_id", name="audit_once_a_fact"),
        Index("audit_by_day", "day", "draw"),
    )

    audit_id: int | None = key()
    day: int
    draw: int = whole()
    """The row's lot: of all rows scored on the day before, the smallest lots are looked at."""
    kind: str
    fact_id: int = whole()
    system: str
    sku: str
    location: str = ""
    channel: str = ""
    state: str = "on_hand"
    occurred_at: int = moment()
    expected: int | None = whole(None)
    actual: int | None = whole(None)
    described: str


class AcceptedAlarms(SQLModel, table=True):
    """How many false alarms somebody accepts of a kind of fact: a share of alarms, or a number a day. Versions."""

    __tablename__ = "accepted_alarms"
    __table_args__ = (
        CheckConstraint("share IS NULL OR a_day IS NULL", name="accepted_in_one_way"),
        Index("accepted_alarms_newest", "kind", "accepted_id"),
    )

    accepted_id: int | None = key()
    kind: str
    share: float | None = None
    a_day: float | None = None
    owner: str
    reason: str
    set_at: int = moment()


class ScoredDay(SQLModel, table=True):
    """How many rows of a kind were scored on a day (since 1970, UTC), and how many of them were strange by p-value."""

    __tablename__ = "scored_day"

    kind: str = Field(primary_key=True)
    day: int = Field(primary_key=True)
    scored: int = whole(0)
    strange: int = whole(0)
