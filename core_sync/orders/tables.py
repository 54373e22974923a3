"""Storage of what is known of orders."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from core_sync.database.columns import key, moment, whole


class OrderState(SQLModel, table=True):
    """What sources told of one SKU of an order, as far as something was reserved for it; read from the ledger."""

    __tablename__ = "order_state"

    document: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    cancelled_at: int | None = moment(None)
    shipped_units: int = whole(0)
    """Units shipped for the order that drew on no reservation where they left."""
    shipped_at: int | None = moment(None)


class OrdersRead(SQLModel, table=True):
    """Up to which ledger entry orders were read."""

    __tablename__ = "orders_read"
    __table_args__ = (CheckConstraint("only_row = 1", name="one_reading"),)

    only_row: int = Field(default=1, primary_key=True)
    entry_id: int = whole(0)


class ToldOrder(SQLModel, table=True):
    """What a system last told of an order as a whole."""

    __tablename__ = "told_order"
    __table_args__ = (
        UniqueConstraint("system", "document", name="told_order_key"),
        CheckConstraint("state IN ('open', 'shipped', 'cancelled')", name="order_state_known"),
        Index("told_order_by_document", "document"),
    )

    order_id: int | None = key()
    system: str
    document: str
    state: str
    placed_at: int | None = moment(None)
    as_of: int = moment()


class OrderList(SQLModel, table=True):
    """As of when a system last listed its orders: an open one that was placed before stands among those it told."""

    __tablename__ = "order_list"

    system: str = Field(primary_key=True)
    as_of: int = moment()


class OrderDay(SQLModel, table=True):
    """What was ordered on a channel on a ``day`` since 1970 (UTC), by tier of who ordered; counted from the ledger.

    ``lines`` were ordered and ``cancelled`` were cancelled by us; ``units`` were shipped. ``margin`` (in
    ten-thousandths of ``currency``) is that of the ``valued_units`` among them whose price and cost are known.
    """

    __tablename__ = "order_day"
    __table_args__ = (Index("order_day_by_day", "day"),)

    channel: str = Field(primary_key=True)
    tier: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    day: int = whole(primary_key=True)
    lines: int = whole(0)
    cancelled: int = whole(0)
    units: int = whole(0)
    valued_units: int = whole(0)
    margin: int = whole(0)
