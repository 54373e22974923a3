"""A few words of the trade for tests: a database with stock, channels and what happens to them."""

import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from core_sync.channels.connect import Connections
from core_sync.database.engine import Database
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.outcome import BatchOutcome

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, at: datetime = MORNING) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **span: float) -> datetime:
        self.at += timedelta(**span)
        return self.at


def a_sku(database: Database, *skus: str, price: int = 120_000) -> None:
    with database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO sku (sku, base_uom, unit_price, currency, lot_controlled) "
                "SELECT :s, 'EA', :p, 'EUR', false"
            ),
            [{"s": sku, "p": price} for sku in skus],
        )
        connection.execute(text("UPDATE master_data_version SET version = version + 1"))


def a_location(database: Database, location: str, endpoint: str | None = None, control: str = "strict") -> None:
    attributes = json.dumps({"endpoint": endpoint}) if endpoint else None
    with database.transaction() as connection:
        connection.execute(
            text("INSERT INTO location (location, stock_control, attributes) VALUES (:l, :c, :a)"),
            {"l": location, "c": control, "a": attributes},
        )
        connection.execute(text("UPDATE master_data_version SET version = version + 1"))


def a_channel(
    database: Database,
    name: str,
    kind: str = "shopify",
    mode: str = "live",
    endpoint: str | None = None,
    priority: int = 1,
    account: str | None = None,
    pilot_skus: list[str] | None = None,
    **told: object,
) -> None:
    """A channel; whatever else is ``told`` of it stands in its attributes."""
    attributes = {"endpoint": endpoint, "location_id": "gid://shopify/Location/1", "pilot_skus": pilot_skus or []}
    attributes |= told  # type: ignore[arg-type]  # JSON, whatever the test says
    with database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO channel (channel, kind, priority, mode, account, attributes) "
                "VALUES (:n, :k, :p, :m, :account, :a)"
            ),
            {"n": name, "k": kind, "p": priority, "m": mode, "account": account, "a": json.dumps(attributes)},
        )


def a_rule(database: Database, channel: str, share: int = 10_000, buffer: int = 0, sku: str = "", valid_from: int = 0,
           valid_until: int | None = None, shortage_below: int | None = None) -> None:  # fmt: skip
    with database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO channel_rule "
                "(channel, sku, share_ten_thousandths, buffer, shortage_below, valid_from, valid_until) "
                "VALUES (:c, :s, :share, :b, :level, :f, :u)"
            ),
            {
                "c": channel,
                "s": sku,
                "share": share,
                "b": buffer,
                "level": shortage_below,
                "f": valid_from,
                "u": valid_until,
            },
        )


def movement(type_: str, sku: str, quantity: int, at: datetime = MORNING, **told: object) -> Event:
    """One movement, at WH where no location is told."""
    names: dict[str, object] = {"source": "wms", "location": "WH", **told}
    event_id = str(names.pop("event_id", f"{type_}-{sku}-{quantity}-{at.isoformat()}-{sorted(names.items())}"))
    return Event(
        event_id=event_id,
        type=EventType(type_),
        occurred_at=at,
        sku=sku,
        quantity=quantity,
        **names,  # type: ignore[arg-type]  # the test's own words
    )


def happens(
    database: Database, type_: str, sku: str, quantity: int, at: datetime = MORNING, **told: object
) -> BatchOutcome:
    """One movement goes through the ledger when it happens."""
    return Ledger(database).apply([movement(type_, sku, quantity, at, **told)], at)


def happened(database: Database, movements: list[Event]) -> BatchOutcome:
    """Many movements go through the ledger at once, each recorded when it happened."""
    return Ledger(database).apply(movements, [one.occurred_at for one in movements])


def intent(database: Database, channel: str, sku: str) -> tuple[str, int, int | None]:
    """State, quantity and what was last seen of one listing."""
    with database.reading() as connection:
        row = connection.execute(
            text("SELECT state, quantity, shown_quantity FROM push_intent WHERE channel = :c AND sku = :s"),
            {"c": channel, "s": sku},
        ).one()
    return row.state, row.quantity, row.shown_quantity


def open_failures(database: Database) -> list[tuple[str | None, str | None, int | None, int | None]]:
    """Subject, code, status and attempts of every open failure."""
    with database.reading() as connection:
        rows = connection.execute(
            text(
                "SELECT subject, error_code, http_status, attempts FROM failure "
                "WHERE resolved_at IS NULL ORDER BY failure_id"
            )
        )
        return [tuple(row) for row in rows]


def connections(database: Database) -> Connections:
    return Connections(database)
