"""The interchange tables as data: the public contract of files, command line and API."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from core_sync.ledger.events import EventType


class Kind(StrEnum):
    """What a cell means, and so which texts and numbers are one."""

    TEXT = "text"
    JSON = "text or a JSON value"
    CHOICE = "one of a few words"
    COUNT = "whole number, 0 or more"
    POSITIVE = "whole number, 1 or more"
    SIGNED = "whole number"
    NUMBER = "number"
    FACTOR = "number above 0"
    MONEY = "amount of money, 0 or more"
    RATIO = "number from 0 to 1"
    CURRENCY = "ISO 4217 currency code"
    FLAG = "true or false"
    TIME = "point in time with its zone"
    CLOCK = "time of day"
    ZONE = "IANA time zone"
    WEEKDAYS = "days of the week"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. A ``required`` one must be there, and filled unless it ``may_be_empty``."""

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    choices: tuple[str, ...] = ()
    may_be_empty: bool = False

    @property
    def must_be_filled(self) -> bool:
        """Whether an empty cell makes the row useless."""
        return self.required and not self.may_be_empty


@dataclass(frozen=True, eq=False)
class Table:
    """A named list of columns; whatever else a file holds is kept as attributes.

    A table without columns takes any file: every cell becomes an attribute.
    """

    name: str
    columns: tuple[Column, ...] = ()

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each column stands."""
        return MappingProxyType({column.name: place for place, column in enumerate(self.columns)})

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.places)

    def column(self, name: str) -> Column:
        """The column called ``name``.

        Raises:
            KeyError: there is none.
        """
        return self.columns[self.places[name]]


STATES = ("on_hand", "allocated", "quality_hold", "in_transit", "safety_stock", "available")
"""What a snapshot may state of a SKU at a place."""


def _needed(name: str, kind: Kind = Kind.TEXT, *choices: str) -> Column:
    return Column(name, kind, required=True, choices=choices)


def _named_or_empty(name: str) -> Column:
    return Column(name, required=True, may_be_empty=True)


def _optional(kind: Kind, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name in names)


_ALL = (
    Table(
        "events",
        (
            _needed("id"),
            _needed("source"),
            _needed("type", Kind.CHOICE, *EventType),
            _needed("time", Kind.TIME),
            _needed("sku"),
            _needed("location"),
            _needed("quantity", Kind.SIGNED),  # which types may be negative is the events' own rule
            *_optional(Kind.TEXT, "uom", "lot", "document", "line", "channel", "account"),
            *_optional(Kind.TEXT, "reservation_id", "to_location"),
            Column("expires_at", Kind.TIME),
            Column("unit_price", Kind.MONEY),
            Column("reason"),
        ),
    ),
    Table(
        "snapshots",
        (
            _needed("system"),
            _needed("sku"),
            _named_or_empty("location"),
            _needed("state", Kind.CHOICE, *STATES),
            _needed("quantity", Kind.SIGNED),  # an oversold system does report less than nothing
            _needed("as_of", Kind.TIME),
        ),
    ),
    Table(
        "failures",
        (
            _needed("id"),
            _needed("occurred_at", Kind.TIME),
            _named_or_empty("message"),
            *_optional(Kind.TEXT, "system", "channel", "operation", "sku", "location"),
            Column("http_status", Kind.COUNT),
            Column("error_code"),
            Column("attempts", Kind.COUNT),
            *_optional(Kind.NUMBER, "latency_ms", "event_lag_s", "reservation_age_s"),
            Column("duplicate_of"),
            Column("mapping_candidates", Kind.JSON),
            Column("document"),
        ),
    ),
    Table(
        "deltas",
        (
            _needed("id"),
            _needed("as_of", Kind.TIME),
            _needed("sku"),
            *_optional(Kind.TEXT, "location", "channel"),
            *_optional(Kind.SIGNED, "expected", "reported", "in_flight", "erp", "wms", "channel_qty"),
            *_optional(Kind.NUMBER, "published_age_s", "event_lag_s"),
            *_optional(Kind.TEXT, "system", "state", "winner"),
            *_optional(Kind.SIGNED, "winning_quantity", "tolerance"),
            Column("within_tolerance", Kind.FLAG),
        ),
    ),
    Table(
        "skus",
        (
            _needed("sku"),
            _needed("base_uom"),
            Column("description"),
            *_optional(Kind.MONEY, "unit_price", "unit_cost"),
            Column("currency", Kind.CURRENCY),
            *_optional(Kind.TEXT, "supplier", "gtin"),
            Column("lot_controlled", Kind.FLAG),
        ),
    ),
    Table("uom", (_needed("sku"), _needed("uom"), _needed("factor", Kind.FACTOR))),
    Table(
        "aliases",
        (
            _needed("system"),
            _needed("external_sku"),
            _needed("sku"),
            *_optional(Kind.TIME, "valid_from", "valid_to"),
        ),
    ),
    Table(
        "kits",
        (
            _needed("kit"),
            _needed("component"),
            _needed("quantity", Kind.POSITIVE),
            *_optional(Kind.TIME, "valid_from", "valid_to"),
        ),
    ),
    Table("safety_stock", (_needed("sku"), _needed("location"), _needed("quantity", Kind.COUNT))),
    Table(
        "locations",
        (
            _needed("location"),
            Column("kind"),
            Column("stock_control", Kind.CHOICE, choices=("strict", "lenient")),
            *_optional(Kind.TEXT, "system", "external_location"),
        ),
    ),
    Table(
        "rates",
        (
            _needed("currency", Kind.CURRENCY),
            _needed("per_reporting_unit", Kind.FACTOR),
            _needed("as_of", Kind.TIME),
        ),
    ),
    Table(
        "channels",
        (
            _needed("channel"),
            _needed("kind"),
            Column("priority", Kind.COUNT),
            Column("share", Kind.RATIO),
            Column("buffer", Kind.COUNT),
            Column("shortage_below", Kind.COUNT),
            Column("mode", Kind.CHOICE, choices=("shadow", "pilot", "live")),
            *_optional(Kind.MONEY, "oversell_penalty", "chargeback"),
            *_optional(Kind.RATIO, "chargeback_share", "cancel_limit"),
            Column("cancel_days", Kind.POSITIVE),
            Column("cancel_cost", Kind.MONEY),
            Column("suspension_days", Kind.COUNT),
            Column("system"),
        ),
    ),
    Table("tiers", (_needed("tier"), Column("retention_value", Kind.MONEY))),
    Table("accounts", (_needed("account"), _needed("tier"))),
    Table(
        "orders",
        (
            _needed("system"),
            _needed("document"),
            _needed("state", Kind.CHOICE, "open", "shipped", "cancelled"),
            _needed("as_of", Kind.TIME),
            Column("placed_at", Kind.TIME),
        ),
    ),
    Table(
        "cut_offs",
        (
            _needed("cut_off"),
            _needed("time", Kind.CLOCK),
            _needed("zone", Kind.ZONE),
            Column("weekdays", Kind.WEEKDAYS),
            *_optional(Kind.TEXT, "channel", "location"),
        ),
    ),
    Table("suppliers", (_needed("supplier"),)),
    Table(
        "deliveries",
        (
            _needed("supplier"),
            _needed("sku"),
            _needed("ordered_at", Kind.TIME),
            Column("promised_at", Kind.TIME, required=True, may_be_empty=True),
            Column("received_at", Kind.TIME, required=True, may_be_empty=True),  # not come yet
            _needed("ordered_quantity", Kind.COUNT),
            Column("received_quantity", Kind.COUNT, required=True, may_be_empty=True),
        ),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _ALL})
"""Every table of the public contract, by its name."""
