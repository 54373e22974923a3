"""Storage of opinions about facts: anomalies and diagnoses, each naming the model version behind it."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from core_sync.database.columns import key, moment, whole


class Anomaly(SQLModel, table=True):
    """A delta or movement that was found strange. ``fault_probability`` is the calibrated chance of a fault."""

    __tablename__ = "anomaly"
    __table_args__ = (
        UniqueConstraint("kind", "fact_id", name="anomaly_once_a_fact"),
        CheckConstraint("kind IN ('delta', 'movement')", name="anomaly_kind_known"),
        Index(
            "anomaly_open", "sku", sqlite_where=text("settled_at IS NULL"), postgresql_where=text("settled_at IS NULL")
        ),
        Index("anomaly_decided", "kind", "model_version"),
        Index(
            "anomaly_suppressed",
            "suppressed_by",
            sqlite_where=text("suppressed_by IS NOT NULL"),
            postgresql_where=text("suppressed_by IS NOT NULL"),
        ),
    )

    anomaly_id: int | None = key()
    kind: str
    fact_id: int = whole()
    system: str
    sku: str
    location: str = ""
    channel: str = ""
    state: str = "on_hand"
    occurred_at: int = moment()
    score: float
    p_value: float
    fault_probability: float
    expected: int | None = whole(None)
    actual: int | None = whole(None)
    reasons: str = "[]"
    model_version: str
    scored_at: int = moment()
    settled_at: int | None = moment(None)
    settlement: str | None = None
    described: str = Field(default="{}", sa_column_kwargs={"server_default": "{}"})
    """Its features as JSON, as they were known when it was scored: what people say of it is learnt from these."""
    told: str = Field(default="[]", sa_column_kwargs={"server_default": "[]"})
    """The features furthest out: name, value in its unit, and the chance of one as far out."""
    suppressed_by: int | None = whole(None)
    """The judgement by which it was expected: it raises no case."""


class ScoredUpTo(SQLModel, table=True):
    """The newest fact of each kind that was scored; what is newer is new."""

    __tablename__ = "scored_up_to"

    kind: str = Field(primary_key=True)
    fact_id: int = whole()
    model_version: str


_BACKLOG = "subclass = 'backlog'"
"""As the queries of each weighing say it; the databases use the index only where they say the same."""


class Diagnosis(SQLModel, table=True):
    """What a failure's root cause is taken to be, by which model version."""

    __tablename__ = "diagnosis"
    __table_args__ = (
        Index("diagnosis_decided", "model_version", "abstained", "root_cause"),
        Index("diagnosis_backlog", "failure_id", sqlite_where=text(_BACKLOG), postgresql_where=text(_BACKLOG)),
    )

    failure_id: int = whole(primary_key=True)
    root_cause: str
    subclass: str | None = None
    probability: float
    abstained: bool
    probabilities: str = "{}"
    reasons: str = "[]"
    model_version: str
    made_at: int = moment()


class ChallengerDiagnosis(SQLModel, table=True):
    """What a challenger would have said of a failure that the live model decided; nothing is done about it."""

    __tablename__ = "challenger_diagnosis"

    model_version: str = Field(primary_key=True)
    failure_id: int = whole(primary_key=True)
    root_cause: str
    subclass: str | None = None
    probability: float
    abstained: bool
    made_at: int = moment()
