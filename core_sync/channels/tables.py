"""Storage of what a connector must not forget."""

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from core_sync.database.columns import whole


class InterchangeNumber(SQLModel, table=True):
    """The last control number that was given out for a channel that speaks EDI; no two interchanges share one."""

    __tablename__ = "interchange_number"
    __table_args__ = (CheckConstraint("last_number BETWEEN 1 AND 999999999", name="interchange_number_fits"),)

    channel: str = Field(primary_key=True)
    last_number: int = whole()
