"""One event's road through every door: told, published, failing, triaged, remedied, resolved."""

from typing import Any

from api.jobs.rounds import ROLES
from tests.journey.conftest import Service


def a_round(service: Service, role: str, **later: float) -> dict[str, int]:
    """One round of a role, some time later."""
    service.clock.pass_(**(later or {"minutes": 1}))
    return ROLES[role].round(service.world)


def feed(service: Service) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = service.client.get("/v1/feed").json()["items"]
    return items


def tells_of_a_receipt(service: Service, quantity: int) -> None:
    event = {
        "id": f"r{quantity}", "source": "wms", "type": "receipt", "time": service.clock.at.isoformat(), "sku": "MUG",
        "location": "LEEDS", "quantity": quantity,
    }  # fmt: skip
    assert service.client.post("/v1/events", json=event).json()["accepted"] == 1


def publishes_in_vain(service: Service) -> None:
    """The shop gives no proper answer."""
    service.shop.goes_wrong("503")
    assert a_round(service, "publish")["later"] == 1


def test_what_is_told_is_shown_in_the_shop(service: Service) -> None:
    tells_of_a_receipt(service, 12)
    a_round(service, "publish")
    assert service.shop.shown == {"MUG": 12}
    a_round(service, "triage")
    assert feed(service) == []


def test_a_failed_push_becomes_a_case_that_remedies_and_resolves_itself(service: Service) -> None:
    tells_of_a_receipt(service, 12)
    publishes_in_vain(service)
    a_round(service, "triage")
    (case,) = feed(service)
    assert (case["root_cause"], case["recommended_action"], case["autonomy"]) == ("timeout", "retry_push", "auto")
    assert (case["skus"], case["channels"]) == (["MUG"], ["shop"])

    assert a_round(service, "remedy")["asked"] == 1
    a_round(service, "publish")
    a_round(service, "remedy")
    a_round(service, "triage")
    assert service.shop.shown == {"MUG": 12}
    assert feed(service) == []
    told = service.client.get(f"/v1/cases/{case['case']}").json()
    assert told["status"] == "resolved"
    assert [run["status"] for run in told["runs"]] == ["succeeded"]
    assert [entry["verb"] for entry in told["timeline"]][:2] == ["opened", "weighed"]


def test_a_person_switches_the_action_off_and_it_does_not_run(service: Service) -> None:
    service.client.put("/v1/autonomy/retry_push", json={"level": "off", "reason": "peak week"})
    tells_of_a_receipt(service, 12)
    publishes_in_vain(service)
    a_round(service, "triage")
    assert a_round(service, "remedy")["asked"] == 0
    (case,) = feed(service)
    assert service.client.post(f"/v1/cases/{case['case']}/act", json={}).status_code == 409
    assert service.shop.shown == {"MUG": 0}
