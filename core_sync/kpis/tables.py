"""Storage of what is measured from the first day on, and of the figures that later ones are compared with."""

from sqlmodel import Field, SQLModel

from core_sync.database.columns import moment, whole


class DailyMeasure(SQLModel, table=True):
    """How often something was seen on a day, of a channel or at a location (empty: of none): a count by length.

    ``day`` counts days since 1970 in UTC. ``bin`` is that of ``pace.bin_of`` where lengths are measured, and 0 where
    things are only counted.
    """

    __tablename__ = "daily_measure"

    measure: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    location: str = Field(primary_key=True)
    day: int = Field(primary_key=True)
    bin: int = Field(primary_key=True)
    seen: int = whole()


class FirstConnection(SQLModel, table=True):
    """When a channel was first heard of: later figures stand beside those from before it, or of the week after."""

    __tablename__ = "first_connection"

    channel: str = Field(primary_key=True)
    connected_at: int = moment()
    looked_at: int = moment()
    """When its figures were last looked at, to freeze those that could not be measured before."""


class KpiBaseline(SQLModel, table=True):
    """A figure frozen when its channel (empty: the first of all) was connected, or as soon after as it could be had."""

    __tablename__ = "kpi_baseline"

    kpi: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    location: str = Field(primary_key=True)
    value: float
    unit: str
    since: int = moment()
    until: int = moment()
    frozen_at: int = moment()
