"""Storage of expectations: what is open, how long things took, when sources spoke, what people have set."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from core_sync.database.columns import key, moment, whole


class OpenExpectation(SQLModel, table=True):
    """Something that began and is not met yet; ``breached`` once it is a failure."""

    __tablename__ = "open_expectation"
    __table_args__ = (
        UniqueConstraint("kind", "document", "sku", "location", "line", name="open_expectation_key"),
        Index("open_expectation_by_document", "document"),
        Index(
            "open_expectation_due",
            "kind",
            "location",
            "source_id",
            "since",
            sqlite_where=text("NOT breached"),
            postgresql_where=text("NOT breached"),
        ),
    )

    expectation_id: int | None = key()
    kind: str
    document: str
    line: str = ""
    sku: str = ""
    location: str = ""
    source_id: int = whole(foreign_key="source.source_id")
    """Who told what began it."""
    quantity: int = whole(0)
    """Units that have not come yet."""
    since: int = moment()
    breached: bool = False


class ObservedPace(SQLModel, table=True):
    """How often a kind took how long: a count by source and place of what met it, hours of the week and length.

    ``period`` counts spans of 28 days since 1970: older ones are forgotten. ``bin`` is that of ``pace.bin_of``.
    """

    __tablename__ = "observed_pace"

    kind: str = Field(primary_key=True)
    source_id: int = whole(primary_key=True, foreign_key="source.source_id")
    location: str = Field(primary_key=True)
    band: int = Field(primary_key=True)
    period: int = Field(primary_key=True)
    bin: int = Field(primary_key=True)
    seen: int = whole()


class SourceActivity(SQLModel, table=True):
    """In which slots of five minutes of an hour a source told something of a location (empty: of any).

    ``clock`` is ``occurred`` (when things happened, by the source) or ``recorded`` (when we heard of them).
    """

    __tablename__ = "source_activity"
    __table_args__ = (CheckConstraint("clock IN ('occurred', 'recorded')", name="activity_clock_known"),)

    source_id: int = whole(primary_key=True, foreign_key="source.source_id")
    location: str = Field(primary_key=True)
    clock: str = Field(primary_key=True)
    hour: int = whole(primary_key=True)
    slots: int = whole()


class SourceRhythm(SQLModel, table=True):
    """When a source was last heard of a location (empty: of any), and how it usually speaks; learned now and then."""

    __tablename__ = "source_rhythm"

    source_id: int = whole(primary_key=True, foreign_key="source.source_id")
    location: str = Field(primary_key=True)
    last_heard_at: int = moment()
    learned_at: int | None = moment(None)
    rhythm: str | None = None
    """The learned rhythm as JSON; none while too little is known."""
    silent: bool = False
    """Its silence is a failure."""


class ExpectationLimit(SQLModel, table=True):
    """What people say of how long something may take; an empty source or location means any. Versions, newest first."""

    __tablename__ = "expectation_limit"
    __table_args__ = (Index("expectation_limit_lookup", "kind", "source", "location", "limit_id"),)

    limit_id: int | None = key()
    kind: str
    source: str = ""
    location: str = ""
    limit_s: float | None = None
    """None switches it off where ``learned`` is not asked for."""
    learned: bool = False
    """From here on what is learned decides again."""
    owner: str
    reason: str
    set_at: int = moment()


class ExpectationsRead(SQLModel, table=True):
    """Up to which ledger entry activity, and what follows what, were read; and up to which told order."""

    __tablename__ = "expectations_read"
    __table_args__ = (CheckConstraint("only_row = 1", name="one_expectations_row"),)

    only_row: int = Field(default=1, primary_key=True)
    activity_entry_id: int = whole(0)
    entry_id: int = whole(0)
    order_id: int = whole(0)
    sales_looked_at: int = moment(0)
    """When sales, quiet days and counts were last looked at."""


class SalesDay(SQLModel, table=True):
    """Lines shipped on a day (since 1970, UTC) of a SKU, from a location, or (both empty) in all."""

    __tablename__ = "sales_day"
    __table_args__ = (Index("sales_day_by_day", "day"),)

    sku: str = Field(primary_key=True)
    location: str = Field(primary_key=True)
    day: int = whole(primary_key=True)
    lines: int = whole()
