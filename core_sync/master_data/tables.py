"""Storage of master data. What changes over time is a new row with its own ``valid_from``."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from core_sync.database.columns import key, moment, whole


class MasterDataVersion(SQLModel, table=True):
    """How often master data was changed; the one row is bumped by every change."""

    __tablename__ = "master_data_version"
    __table_args__ = (CheckConstraint("only_row = 1", name="one_row"),)

    only_row: int = Field(default=1, primary_key=True)
    version: int = whole(0)


class Sku(SQLModel, table=True):
    """A stock-keeping unit; money in ten-thousandths of ``currency``."""

    __tablename__ = "sku"

    sku: str = Field(primary_key=True)
    base_uom: str
    description: str | None = None
    unit_price: int | None = whole(None)
    unit_cost: int | None = whole(None)
    currency: str | None = None
    supplier: str | None = None
    gtin: str | None = None
    lot_controlled: bool = False
    attributes: str | None = None


class UnitOfMeasure(SQLModel, table=True):
    """How many stock-keeping units one ``uom`` of a SKU holds, as an exact fraction."""

    __tablename__ = "unit_of_measure"
    __table_args__ = (
        UniqueConstraint("sku", "uom", name="unit_of_measure_key"),
        CheckConstraint("numerator > 0 AND denominator > 0", name="factor_positive"),
    )

    unit_id: int | None = key()
    sku: str
    uom: str
    numerator: int = whole()
    denominator: int = whole(1)


class Alias(SQLModel, table=True):
    """What another system calls one of our SKUs, from when to when. ``version`` counts every change."""

    __tablename__ = "alias"
    __table_args__ = (Index("alias_lookup", "system", "external_sku"),)

    version: int | None = key()
    system: str
    external_sku: str
    sku: str
    valid_from: int | None = moment(None)
    valid_to: int | None = moment(None)
    owner: str | None = None


class KitComponent(SQLModel, table=True):
    """How many units of one component a kit is made of, from when to when. ``version`` counts every change."""

    __tablename__ = "kit_component"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="component_quantity_positive"),
        Index("kit_lookup", "kit"),
        Index("kit_by_component", "component"),
    )

    version: int | None = key()
    kit: str
    component: str
    quantity: int = whole()
    valid_from: int | None = moment(None)
    valid_to: int | None = moment(None)


class Location(SQLModel, table=True):
    """A place that holds stock. ``strict`` parks what would drive a state negative, ``lenient`` applies it."""

    __tablename__ = "location"
    __table_args__ = (CheckConstraint("stock_control IN ('strict', 'lenient')", name="stock_control_known"),)

    location: str = Field(primary_key=True)
    kind: str | None = None
    stock_control: str = "strict"
    system: str | None = None
    external_location: str | None = None
    attributes: str | None = None


class SafetyStock(SQLModel, table=True):
    """Units of a SKU at a location that no channel may promise."""

    __tablename__ = "safety_stock"

    sku: str = Field(primary_key=True)
    location: str = Field(primary_key=True)
    quantity: int = whole()


class Rate(SQLModel, table=True):
    """Units of a currency per unit of the reporting currency, in ten-thousandths, as of a moment."""

    __tablename__ = "rate"

    currency: str = Field(primary_key=True)
    as_of: int = moment(primary_key=True)
    per_reporting_unit: int = whole()


class Channel(SQLModel, table=True):
    """Where stock is sold; its rule of what may be promised is versioned in ``channel_rule``.

    What it charges for what was sold and is not there, in the reporting currency; None where nobody has said: the
    ``oversell_penalty`` of each unit, the ``chargeback`` of each order line that is short and ``chargeback_share`` of
    the price of the units short (in ten-thousandths). Where more than ``cancel_limit`` (ten-thousandths) of the order
    lines of ``cancel_days`` days are cancelled by us, ``cancel_cost`` is lost, and the margin of ``suspension_days``.
    """

    __tablename__ = "channel"
    __table_args__ = (CheckConstraint("mode IN ('shadow', 'pilot', 'live')", name="mode_known"),)

    channel: str = Field(primary_key=True)
    kind: str
    priority: int = 100
    mode: str = "shadow"
    oversell_penalty: int | None = whole(None)
    system: str | None = None
    account: str | None = None
    chargeback: int | None = whole(None)
    chargeback_share: int | None = whole(None)
    cancel_limit: int | None = whole(None)
    cancel_days: int | None = whole(None)
    cancel_cost: int | None = whole(None)
    suspension_days: int | None = whole(None)
    attributes: str | None = None


class ChannelRule(SQLModel, table=True):
    """Share and buffer of a channel, for one SKU or (empty ``sku``) for all; the newest version holds.

    Below ``shortage_below`` units each unit is promised on one channel only. Of a rollback ``put_back`` is the version
    that it put in force again, 0 where that was the channel's rule for all.
    """

    __tablename__ = "channel_rule"
    __table_args__ = (
        Index("channel_rule_lookup", "channel", "sku", "version"),
        CheckConstraint("share_ten_thousandths BETWEEN 0 AND 10000", name="share_is_a_ratio"),
        CheckConstraint("buffer >= 0", name="buffer_not_negative"),
        CheckConstraint("shortage_below >= 0", name="shortage_not_negative"),
    )

    version: int | None = key()
    channel: str
    sku: str = ""
    share_ten_thousandths: int = 10_000
    buffer: int = whole(0)
    shortage_below: int | None = whole(None)
    valid_from: int = moment()
    valid_until: int | None = moment(None)
    owner: str | None = None
    reason: str | None = None
    put_back: int | None = whole(None)


class CustomerTier(SQLModel, table=True):
    """How customers are told apart by what they are worth.

    ``retention_value``: what one of their order lines that is let down costs beyond its own margin, in ten-thousandths
    of the reporting currency: the chance that the customer goes elsewhere times what it would have bought.
    """

    __tablename__ = "customer_tier"

    tier: str = Field(primary_key=True)
    retention_value: int | None = whole(None)


class Account(SQLModel, table=True):
    """A customer as orders name it, and the tier it belongs to."""

    __tablename__ = "account"

    account: str = Field(primary_key=True)
    tier: str


class CutOff(SQLModel, table=True):
    """A time of day by which orders must be ready: of a channel, of a location, of one on the other, or of all.

    ``clock`` (``16:30``) is that of ``zone`` (IANA), on ``weekdays`` (``mon tue``).
    """

    __tablename__ = "cut_off"

    cut_off: str = Field(primary_key=True)
    clock: str
    zone: str
    weekdays: str
    channel: str | None = None
    location: str | None = None


class Supplier(SQLModel, table=True):
    """Who delivers."""

    __tablename__ = "supplier"

    supplier: str = Field(primary_key=True)
    attributes: str | None = None


class Delivery(SQLModel, table=True):
    """One line of a purchase order: what was promised when, and what came when."""

    __tablename__ = "delivery"
    __table_args__ = (Index("delivery_by_supplier", "supplier", "sku"),)

    delivery_id: int | None = key()
    supplier: str
    sku: str
    ordered_at: int = moment()
    promised_at: int | None = moment(None)
    received_at: int | None = moment(None)
    ordered_quantity: int = whole()
    received_quantity: int | None = whole(None)
    content: bytes = Field(unique=True)
    """Digest of the line, so that loading the same file twice adds nothing."""
