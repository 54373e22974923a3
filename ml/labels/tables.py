"""Storage of labels."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import SQLModel

from core_sync.database.columns import key, moment, whole


class CauseLabel(SQLModel, table=True):
    """One failure's root cause as somebody told it. Rows are added and withdrawn, never changed.

    ``evidence`` is the failure as it was known when the label was taken down, so that what was trained on can be
    written again to the byte whatever happens to the failure.
    """

    __tablename__ = "cause_label"
    __table_args__ = (
        UniqueConstraint("failure_id", "entry_id", name="cause_label_once_an_entry"),
        CheckConstraint("source IN ('override', 'outcome')", name="cause_label_source_known"),
        Index("cause_label_taken", "taken_at"),
        Index("cause_label_by_entry", "entry_id"),
    )

    label_id: int | None = key()
    failure_id: int = whole()
    case_id: int = whole()
    entry_id: int = whole()
    """The line of the case's timeline that told it."""
    source: str
    root_cause: str
    subclass: str | None = None
    actor: str
    told_at: int = moment()
    ripe_at: int = moment()
    """From when on it is trained on, unless it was withdrawn before."""
    taken_at: int = moment()
    withdrawn_at: int | None = moment(None)
    """When it was seen to be taken back: the line was undone, or the case came back."""
    evidence: str
