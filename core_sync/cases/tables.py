"""Storage of cases, the signals in them and their timeline."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import SQLModel

from core_sync.database.columns import key, moment, whole


class ExceptionCase(SQLModel, table=True):
    """One case. Money in ten-thousandths of ``currency``; ``rank_value`` orders the feed."""

    __tablename__ = "exception_case"
    __table_args__ = (
        CheckConstraint(
            "status IN ('new', 'acknowledged', 'in_progress', 'waiting', 'snoozed', 'resolved', 'regressed')",
            name="case_status_known",
        ),
        Index("case_feed", text("rank_value DESC"), text("case_id DESC")),
        Index("case_feed_by_status", "status", text("rank_value DESC"), text("case_id DESC")),
        Index("case_fingerprint", "fingerprint"),
        Index(
            "case_fingerprint_open",
            "fingerprint",
            unique=True,
            sqlite_where=text("status <> 'resolved'"),
            postgresql_where=text("status <> 'resolved'"),
        ),
    )

    case_id: int | None = key()
    fingerprint: str
    status: str = "new"
    title: str = ""
    root_cause: str = "other"
    subclass: str | None = None
    probability: float | None = None
    abstained: bool = True
    fault_probability: float = 1.0
    anomaly_p_value: float | None = None
    exposure: int | None = whole(None)
    expected_loss: int | None = whole(None)
    currency: str | None = None
    exposure_terms: str = "{}"
    time_to_harm_h: float | None = None
    rank_value: float = 0.0
    reasons: str = "[]"
    skus: str = "[]"
    locations: str = "[]"
    channels: str = "[]"
    signals: int = whole(0)
    recommended_action: str | None = None
    autonomy: str = "suggest"
    owner: str | None = None
    override_root_cause: str | None = None
    override_rank: int | None = whole(None)
    """The expected loss, in ten-thousandths, as which a person wants the case ranked."""
    override_reason: str | None = None
    override_until: int | None = moment(None)
    snoozed_until: int | None = moment(None)
    opened_at: int = moment()
    updated_at: int = moment()
    resolved_at: int | None = moment(None)
    resolution: str | None = None
    merged_into: int | None = whole(None, foreign_key="exception_case.case_id")
    """Where a person put this case's signals; whatever comes with its fingerprint goes there too."""
    model_versions: str = "{}"
    needs_review: bool = True
    """Something related happened since the case was last weighed."""


class CaseSignal(SQLModel, table=True):
    """A failure or an anomaly that belongs to a case; each signal is in exactly one."""

    __tablename__ = "case_signal"
    __table_args__ = (
        UniqueConstraint("kind", "signal_id", name="signal_in_one_case"),
        CheckConstraint("kind IN ('failure', 'anomaly')", name="signal_kind_known"),
        Index("case_signal_by_case", "case_id"),
    )

    case_signal_id: int | None = key()
    case_id: int = whole(foreign_key="exception_case.case_id")
    kind: str
    signal_id: int = whole()
    pinned: bool = False
    """A person put it here by merge or split; grouping leaves it."""
    added_at: int = moment()


class CaseEntry(SQLModel, table=True):
    """One line of a case's timeline: who did what, when, and what was so before."""

    __tablename__ = "case_entry"
    __table_args__ = (Index("case_entry_by_case", "case_id", "entry_id"),)

    entry_id: int | None = key()
    case_id: int = whole(foreign_key="exception_case.case_id")
    at: int = moment()
    actor: str
    verb: str
    note: str | None = None
    before: str = "{}"
    after: str = "{}"
