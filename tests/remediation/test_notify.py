"""One alert a new case above the loss that the user set, to the places that the user named."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remediation.notify import Alerts, alert_new_cases
from simulation.peers.serve import running
from tests.core_sync.stocked import happens
from tests.remediation.cases import a_case
from tests.remediation.conftest import Trade
from tests.remediation.test_five_causes import pushed


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is sent does not depend on the kind of database."""
    return sqlite_url


def a_costly_case(trade: Trade, expected_loss: int) -> int:
    trade.shop.goes_wrong("400")
    happens(trade.database, "receipt", "MUG", 12)
    pushed(trade)
    case_id = a_case(trade.database, trade.clock, "timeout")
    with trade.database.transaction() as connection:
        connection.execute(
            text("UPDATE exception_case SET expected_loss = :loss, currency = 'EUR', title = 'MUG on shop'"),
            {"loss": expected_loss},
        )
    return case_id


@dataclass
class Receiver:
    """Somewhere that takes alerts as JSON."""

    url: str
    received: list[dict[str, Any]]

    def above(self, loss: int) -> Alerts:
        return Alerts([self.url.replace("http://", "json://") + "/alerts"], Decimal(loss))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    received: list[dict[str, Any]] = []

    async def take(request: Request) -> Response:
        received.append(await request.json())
        return Response(status_code=200)

    with running(Starlette(routes=[Route("/alerts", take, methods=["POST"])])) as url:
        yield Receiver(url, received)


def test_a_costly_new_case_is_alerted_once(trade: Trade, receiver: Receiver) -> None:
    case_id = a_costly_case(trade, 12_345_600)
    assert alert_new_cases(trade.database, receiver.above(500), trade.clock()) == 1
    assert alert_new_cases(trade.database, receiver.above(500), trade.clock()) == 0
    (alert,) = receiver.received
    assert alert["title"] == f"Case {case_id}: 1,234.56 EUR at risk"
    assert "MUG on shop" in alert["message"]


def test_a_case_below_the_bar_is_not_alerted(trade: Trade, receiver: Receiver) -> None:
    a_costly_case(trade, 4_999_999)
    assert alert_new_cases(trade.database, receiver.above(500), trade.clock()) == 0
    assert receiver.received == []


def test_where_nothing_is_configured_nothing_is_sent(trade: Trade) -> None:
    a_costly_case(trade, 12_345_600)
    assert alert_new_cases(trade.database, Alerts([], Decimal(0)), trade.clock()) == 0


def test_an_alert_that_no_place_took_is_tried_again(trade: Trade, receiver: Receiver) -> None:
    a_costly_case(trade, 12_345_600)
    nowhere = Alerts(["json://127.0.0.1:9/alerts"], Decimal(500))
    assert alert_new_cases(trade.database, nowhere, trade.clock()) == 0
    assert alert_new_cases(trade.database, receiver.above(500), trade.clock()) == 1
