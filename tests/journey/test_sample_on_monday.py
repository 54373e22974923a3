"""The sample distributor on a Monday morning: asking for what is recommended changes something, or says why not.

Simulated data; the peers are simulated too, and spoken to over HTTP on loopback.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from typer.testing import CliRunner

from api.app import create_app
from api.cli.main import app as command_line
from api.jobs.rounds import ROLES
from api.jobs.sample import fill_with_sample
from api.jobs.sample_peers import simulated_peers
from api.jobs.triage import triage
from api.wiring import World, build_world
from core_sync.settings import read_settings

pytestmark = pytest.mark.proof

CAUSES = ("timeout", "sku_mapping", "stale_reservation", "duplicate", "posting_delay")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home: Path = tmp_path_factory.mktemp("sample")
    world = build_world(read_settings(home=home, database_url=f"sqlite:///{home}/stock.db"))
    fill_with_sample(world)
    triage(world)
    with simulated_peers(world) as listening:
        assert listening == 4, "a shop, a marketplace, a trading partner and a warehouse office"
        yield world
    world.close()


@pytest.fixture(scope="module")
def client(world: World) -> TestClient:
    return TestClient(create_app(world), base_url="http://127.0.0.1:8765", follow_redirects=False)


def feed(client: TestClient, cause: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get("/v1/feed", params={"limit": 200}).json()["items"]
    return [item for item in items if item["root_cause"] == cause]


def plan_of(client: TestClient, case: int) -> dict[str, Any]:
    plan: dict[str, Any] = client.post(f"/v1/cases/{case}/act", json={"dry_run": True}).json()
    return plan


def asked_for(client: TestClient, case: int) -> dict[str, Any]:
    """The run after somebody asked for the recommended action and, where it waited for that, approved it."""
    run: dict[str, Any] = client.post(f"/v1/cases/{case}/act", json={}).json()
    if run["status"] == "awaiting_approval":
        choices = [choice["name"] for choice in run["plan"]["choices"]]
        run = client.post(f"/v1/runs/{run['run']}/approve", json={"choice": choices[0] if choices else None}).json()
    return run


def needs_a_name(plan: dict[str, Any]) -> bool:
    """Whether only a person can say what a foreign name means, as nothing is like it."""
    return not plan["choices"] and any(change["what"].startswith("map to") for change in plan["changes"])


def status(client: TestClient, case: int) -> str:
    return str(client.get(f"/v1/cases/{case}").json()["status"])


def count(world: World, statement: str) -> int:
    with world.database.reading() as connection:
        return int(connection.execute(text(statement)).scalar_one())


def own_failures(world: World) -> set[str]:
    """Listings that the channel refused for a reason of its own: an open failure tells of each."""
    with world.database.reading() as connection:
        statement = text("""SELECT i.sku || ' on ' || i.channel FROM push_intent i
            JOIN failure f ON f.subject = 'push:' || i.channel || ':' || i.sku AND f.resolved_at IS NULL
            WHERE i.state = 'failed'""")
        return set(connection.execute(statement).scalars())


def endpoint_of(world: World, channel: str) -> str:
    with world.database.reading() as connection:
        told = connection.execute(text("SELECT attributes FROM channel WHERE channel = :c"), {"c": channel})
        return str(msgspec.json.decode(told.scalar_one())["endpoint"])


def test_nothing_is_pushed_that_nobody_asked_for(world: World) -> None:
    told = ROLES["publish"].round(world)
    assert {name: told[name] for name in ("accepted", "later", "failed")} == {"accepted": 0, "later": 0, "failed": 0}
    assert count(world, "SELECT count(*) FROM push_attempt") == 0


def test_a_retry_reaches_the_channel_and_is_read_back(world: World, client: TestClient) -> None:
    pushing = [
        item["case"]
        for item in feed(client, "timeout")
        if plan_of(client, item["case"])["changes"][0]["what"] != "look into"
    ]
    assert pushing
    for case in pushing:
        changes = plan_of(client, case)["changes"]
        run = asked_for(client, case)
        assert run["status"] == "succeeded", run["outcome"]
        assert status(client, case) == "resolved"
        refused = own_failures(world)
        for change in changes:
            if change["target"] in refused:
                continue
            sku, channel = change["target"].split(" on ")
            received = httpx.get(f"{endpoint_of(world, channel)}/_log").json()
            assert (sku, change["quantity"]) in {(one["subject"], one["quantity"]) for one in received["writes"]}
    assert set(ROLES["publish"].round(world).values()) == {0}


@pytest.mark.parametrize("cause", CAUSES[1:])
def test_every_cause_of_the_sample_ends_verified_or_with_a_person(world: World, client: TestClient, cause: str) -> None:
    cases = [item["case"] for item in feed(client, cause) if not needs_a_name(plan_of(client, item["case"]))]
    runs = {case: asked_for(client, case) for case in cases}
    resolved = [
        case for case, run in runs.items() if (run["status"], status(client, case)) == ("succeeded", "resolved")
    ]
    assert resolved, "at least one is really mended"
    for case in set(cases) - set(resolved):
        assert (runs[case]["status"], status(client, case)) == ("waiting", "waiting"), runs[case]["outcome"]
        assert count(world, f"SELECT count(*) FROM work_item WHERE status = 'open' AND case_id = {case}") == 1


def test_a_plan_that_changes_nothing_says_so_and_becomes_a_persons_work(world: World, client: TestClient) -> None:
    with world.database.reading() as connection:
        rows = connection.execute(text("SELECT case_id, plan FROM action_run WHERE status = 'waiting'")).all()
    handed = [row.case_id for row in rows if msgspec.json.decode(row.plan).get("hand_over")]
    assert handed
    case = handed[0]
    url = world.settings.database_url
    told = CliRunner().invoke(command_line, ["act", str(case), "--dry-run", "--database", url])
    assert told.exit_code == 0, told.output
    assert "nothing to change" in told.output
    assert "look into" in told.output
    run = client.get(f"/v1/cases/{case}/runs").json()[0]
    assert run["outcome"].startswith("handed to a person: ")
    assert status(client, case) == "waiting"


def test_what_carries_no_mark_of_the_sample_gets_no_peer(tmp_path: Path) -> None:
    world = build_world(read_settings(home=tmp_path, database_url=f"sqlite:///{tmp_path}/stock.db"))
    with world.database.transaction() as connection:
        connection.execute(
            text("INSERT INTO channel (channel, kind, priority, mode) VALUES ('shop', 'shopify', 1, 'live')")
        )
    with simulated_peers(world) as listening:
        assert listening == 0
        assert world.channels.get("shop") is None
    world.close()
