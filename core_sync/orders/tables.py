"""Storage of what is known of orders."""

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from core_sync.database.columns import moment, whole


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
