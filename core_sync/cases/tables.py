"""Storage of cases, the signals in them, what they are found by, and their timeline."""

from sqlalchemy import CheckConstraint, Column, Computed, Index, Table, Text, UniqueConstraint, text, true
from sqlmodel import Field, SQLModel

from core_sync.database.columns import key, moment, whole

OPEN = "status <> 'resolved'"
"""As the indexes of unresolved cases say it; both databases use them only where a query says the same."""

_TO_REVIEW = f"needs_review AND {OPEN}"
_WIDE = "touches IS NULL"
_REPLACED, _ASLEEP = "override_until IS NOT NULL", "snoozed_until IS NOT NULL"
_LISTED_BY = (
    "status", "root_cause", "override_root_cause", "abstained", "owner", "currency", "expected_loss",
)  # fmt: skip
"""What the list is narrowed and added up by: the index alone answers it, however wide the rows are."""

COUNTED_AS = ("currency", "status", "root_cause", "override_root_cause", "owner", "abstained", "touches")
"""What makes cases of one kind, where they are counted."""

_COUNTED_BY = (*COUNTED_AS, "expected_loss", "case_id")
"""What the list is counted by, in the order in which it is: no database has to sort for that."""

TOUCHES_LETTERS_MAX = 400
"""An index's row holds no more than 2,700 bytes on PostgreSQL; a case that touches very much is counted by itself."""

TOUCHES = (
    f"CASE WHEN length(channels) + length(locations) <= {TOUCHES_LETTERS_MAX} "
    "THEN '[' || channels || ',' || locations || ']' END"
)


NEVER = 2**62
"""When the harm of a case begins of which that is not known."""


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
        Index(
            "case_worklist",
            text("rank_value DESC"),
            text("case_id DESC"),
            *_LISTED_BY,
            sqlite_where=text(OPEN),
            postgresql_where=text(OPEN),
        ),
        Index("case_by_opening", "opened_at", "case_id", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
        Index("case_by_harm", "harm_at", "case_id", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
        Index("case_facets", *_COUNTED_BY, sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
        Index(
            "case_to_review",
            "weighed_at",
            "case_id",
            sqlite_where=text(_TO_REVIEW),
            postgresql_where=text(_TO_REVIEW),
        ),
        Index("case_wide", "case_id", sqlite_where=text(_WIDE), postgresql_where=text(_WIDE)),
        Index("case_to_renew", "weighed_at", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
        Index(
            "case_by_end",
            "resolved_at",
            sqlite_where=text("resolved_at IS NOT NULL"),
            postgresql_where=text("resolved_at IS NOT NULL"),
        ),
        Index("case_override_until", "override_until", sqlite_where=text(_REPLACED), postgresql_where=text(_REPLACED)),
        Index("case_snoozed_until", "snoozed_until", sqlite_where=text(_ASLEEP), postgresql_where=text(_ASLEEP)),
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
    told_loss: int | None = whole(None)
    """The expected loss that the timeline last told; what is far from it is told again."""
    currency: str | None = None
    exposure_terms: str = "{}"
    time_to_harm_h: float | None = None
    """As of ``weighed_at``; less what has passed since."""
    harm_at: int = moment(NEVER)
    """When that is."""
    weighed_at: int = moment(0)
    """When the figures were last renewed; 0 before the first time."""
    recurrences: int = whole(0)
    """How often the same trouble was over before and came back, lately."""
    recurrences_there: int = whole(0)
    """How many others of its root cause were over lately at its location."""
    rank_value: float = 0.0
    reasons: str = "[]"
    skus: str = "[]"
    locations: str = "[]"
    channels: str = "[]"
    touches: str | None = Field(default=None, sa_column=Column(Text, Computed(TOUCHES)))
    """A list of both, channels and locations: the index alone counts by them. None where they are very many."""
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
    snoozed_above: int | None = whole(None)
    """Wakes when its exposure, in ten-thousandths, is above this."""
    snoozed_stock_below: int | None = whole(None)
    """Wakes when one of its SKUs has fewer units available than this."""
    opened_at: int = moment()
    updated_at: int = moment()
    resolved_at: int | None = moment(None)
    resolution: str | None = None
    merged_into: int | None = whole(None, foreign_key="exception_case.case_id")
    """Where a person put this case's signals; whatever comes with its fingerprint goes there too."""
    model_versions: str = "{}"
    needs_review: bool = True
    """Something related happened since the case was last weighed."""


class CaseTally(SQLModel, table=True):
    """Cases of one kind, as many as all rows of that kind add up to; written by triggers on cases (``tally``)."""

    __tablename__ = "case_tally"

    tally_id: int | None = key()
    currency: str | None = None
    status: str
    root_cause: str
    override_root_cause: str | None = None
    owner: str | None = None
    abstained: bool
    touches: str | None = None
    cases: int = whole()
    priced: int = whole()
    """Of them, those of which it is known what they cost."""
    loss: int = whole()
    """Together, in ten-thousandths of ``currency``."""
    folded: bool = False
    """The row stands for all of its kind that had been added when it was written."""


TALLY: Table = CaseTally.__table__  # type: ignore[attr-defined]  # SQLModel adds it to table models


class CaseSignal(SQLModel, table=True):
    """A failure or an anomaly that belongs to a case; each signal is in exactly one."""

    __tablename__ = "case_signal"
    __table_args__ = (
        UniqueConstraint("kind", "signal_id", name="signal_in_one_case"),
        CheckConstraint("kind IN ('failure', 'anomaly')", name="signal_kind_known"),
        Index("case_signal_by_case", "case_id", "kind", "case_signal_id"),
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
    __table_args__ = (
        Index("case_entry_by_case", "case_id", "entry_id"),
        Index("case_entry_by_verb", "verb", "at"),
    )

    entry_id: int | None = key()
    case_id: int = whole(foreign_key="exception_case.case_id")
    at: int = moment()
    actor: str
    verb: str
    note: str | None = None
    before: str = "{}"
    after: str = "{}"


class CaseScope(SQLModel, table=True):
    """One SKU, location or channel that a case touches: the list is narrowed and counted by it."""

    __tablename__ = "case_scope"
    __table_args__ = (Index("case_scope_by_case", "case_id", "kind", "value"),)

    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    case_id: int = whole(primary_key=True, foreign_key="exception_case.case_id")
    of_open: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    """The case is not resolved; the database keeps it so."""


class CaseWords(SQLModel, table=True):
    """The words a case is found by: lower-case, letters and digits only, one blank between two.

    What SQLModel cannot declare finds them: ``case_search`` (FTS5) on SQLite; on PostgreSQL the column ``lexemes``,
    which the database makes of ``words``, and a GIN index on it.
    """

    __tablename__ = "case_words"

    case_id: int = whole(primary_key=True, foreign_key="exception_case.case_id")
    words: str


class SavedView(SQLModel, table=True):
    """A filter and an order kept under a name; nobody's (an empty owner) is everybody's."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("owner", "name", name="saved_view_name"),)

    view_id: int | None = key()
    owner: str
    name: str
    shown: str
    """The filter's fields and the order as JSON."""
    saved_at: int = moment()


class Attendance(SQLModel, table=True):
    """When a person last looked at the worklist, and when they last left it."""

    __tablename__ = "attendance"

    person: str = Field(primary_key=True)
    seen_at: int = moment()
    left_at: int = moment(0)


class BulkDeed(SQLModel, table=True):
    """One verb done to many cases at once; ``told`` is what was said beside it, as JSON."""

    __tablename__ = "bulk_deed"

    bulk_id: int | None = key()
    at: int = moment()
    actor: str
    verb: str
    told: str
    undone_at: int | None = moment(None)
    """When it was undone, or as much of it as could be."""


class BulkEntry(SQLModel, table=True):
    """A line of a timeline that was written by a bulk deed."""

    __tablename__ = "bulk_entry"

    bulk_id: int = whole(primary_key=True, foreign_key="bulk_deed.bulk_id")
    entry_id: int = whole(primary_key=True, foreign_key="case_entry.entry_id")
