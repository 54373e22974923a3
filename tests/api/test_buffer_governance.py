"""Buffers put in force under limits: who, why, until when; large changes approved; set side by side and taken back."""

import json
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.wiring import World
from core_sync.clock import now, to_microseconds
from tests.api.conftest import Run
from tests.core_sync.stocked import Clock, a_channel, a_rule, a_sku, happened, happens, movement


@pytest.fixture
def selling(stocked: World) -> World:
    """MUG and PLATE in stock, and two weeks of sales: few on the shop, many that pass by it."""
    now = stocked.clock()
    a_channel(stocked.database, "market", mode="shadow")
    movements = []
    for sku in ("MUG", "PLATE"):
        movements.append(movement("receipt", sku, 1_000, now - timedelta(days=20), location="LEEDS"))
        for day in range(1, 15):
            for hour in range(4):
                at = now - timedelta(days=day, hours=hour)
                movements.append(movement("ship", sku, 12 + hour, at, location="LEEDS", channel="market"))
                movements.append(movement("ship", sku, 2, at, location="LEEDS", channel="shop"))
    happened(stocked.database, movements)
    with stocked.database.transaction() as connection:
        connection.execute(text("UPDATE channel SET oversell_penalty = 500000"))
    return stocked


def in_force(client: TestClient, sku: str = "MUG", channel: str = "shop") -> dict[str, object] | None:
    versions = client.get("/v1/buffers/versions", params={"sku": sku, "channel": channel}).json()
    return next((one for one in versions if one["in_force"]), None)


def recommended(client: TestClient, sku: str = "MUG", channel: str = "shop") -> dict[str, object]:
    found: dict[str, object] = client.get("/v1/buffers", params={"sku": sku, "channel": channel}).json()["items"][0]
    return found


def test_an_applied_recommendation_is_a_version_with_its_owner_reason_and_end(
    selling: World, client: TestClient
) -> None:
    wanted = recommended(client)
    assert wanted["buffer"] != 0, wanted["reason"]
    done = client.post("/v1/buffers/apply", json={"sku": "MUG", "channel": "shop"}).json()
    assert [one["outcome"] for one in done] == ["applied"]
    rule = in_force(client)
    assert rule is not None
    assert (rule["buffer"], rule["reason"], rule["valid_until"]) == (
        wanted["buffer"], wanted["reason"], wanted["valid_until"],
    )  # fmt: skip
    assert rule["owner"]


def test_one_sku_is_told_what_it_is_told_among_all(selling: World, client: TestClient) -> None:
    happens(selling.database, "ship", "PLATE", 128, selling.clock() - timedelta(hours=1), location="LEEDS")
    with selling.database.transaction() as connection:
        connection.execute(text("UPDATE channel SET oversell_penalty = 0"))
    assert isinstance(selling.clock, Clock)
    selling.clock.pass_(days=6)
    every = client.get("/v1/buffers").json()["items"]
    assert len(every) == 4
    # What an oversell counts hangs on all that the channel sells, and of one SKU little was left for days.
    assert max(one["terms"]["oversell_weight"]["value"] for one in every) > 1
    alone = [
        client.get("/v1/buffers", params={"sku": one["sku"], "channel": one["channel"]}).json()["items"][0]
        for one in every
    ]
    assert alone == every


def test_estimates_answer_while_they_are_renewed_beside_and_stock_counts_at_once(selling: World) -> None:
    with selling.database.reading() as connection:
        now, channels, kept = selling.clock(), ["market", "shop"], selling.estimates
        first = kept.of(connection, channels, now)
        assert kept.of(connection, channels, now + timedelta(minutes=4)) is first
        later = now + timedelta(minutes=6)
        assert kept.of(connection, channels, later) is first
        kept.settle()
        assert kept.of(connection, channels, later).at == later
        too_late = later + timedelta(minutes=31)
        assert kept.of(connection, channels, too_late).at == too_late
        assert kept.of(connection, ["another"], now) is not first


def test_a_change_worth_more_than_the_limit_waits_for_a_person(selling: World, client: TestClient) -> None:
    with selling.database.transaction() as connection:
        connection.execute(text("UPDATE sku SET unit_price = 900000000 WHERE sku = 'MUG'"))
    body = {"sku": "MUG", "channel": "shop"}
    assert recommended(client)["needs_approval"] is True
    assert client.post("/v1/buffers/apply", json=body).json()[0]["outcome"] == "needs_approval"
    assert in_force(client) is None
    assert client.post("/v1/buffers/apply", json={**body, "approve": True}).json()[0]["outcome"] == "applied"
    rule = in_force(client)
    assert rule is not None
    assert "approved by" in str(rule["reason"])


def test_nobody_approves_everything_at_once(selling: World, client: TestClient) -> None:
    answer = client.post("/v1/buffers/apply", json={"approve": True})
    assert answer.status_code == 409
    assert "name the SKU" in answer.text


def test_a_dry_run_writes_nothing(selling: World, client: TestClient) -> None:
    done = client.post("/v1/buffers/apply", json={"sku": "MUG", "dry_run": True}).json()
    assert "applied" in {one["outcome"] for one in done}
    assert in_force(client) is None


def test_an_applied_buffer_ends_and_what_held_before_holds_again(selling: World, client: TestClient) -> None:
    a_rule(selling.database, "shop", buffer=1, sku="MUG")
    client.post("/v1/buffers/apply", json={"sku": "MUG", "channel": "shop"})
    with selling.database.transaction() as connection:
        past = to_microseconds(selling.clock() - timedelta(seconds=1))
        connection.execute(
            text("UPDATE channel_rule SET valid_until = :at WHERE valid_until IS NOT NULL"), {"at": past}
        )
    rule = in_force(client)
    assert rule is not None
    assert rule["buffer"] == 1


def test_a_buffer_goes_back_to_the_one_before_or_to_the_one_named(selling: World, client: TestClient) -> None:
    for units in (3, 7, 9):
        client.put("/v1/buffers", json={"channel": "shop", "sku": "MUG", "buffer": units, "reason": "tried"})
    back = {"sku": "MUG", "channel": "shop", "reason": "too many lost sales"}
    assert client.post("/v1/buffers/rollback", json=back).json()["buffer"] == 7
    first = client.get("/v1/buffers/versions", params={"sku": "MUG", "channel": "shop"}).json()[-1]
    assert client.post("/v1/buffers/rollback", json={**back, "to": first["version"]}).json()["buffer"] == 3
    rule = in_force(client)
    assert rule is not None
    assert "too many lost sales" in str(rule["reason"])
    assert client.post("/v1/buffers/rollback", json={**back, "to": 4_711}).status_code == 404


def test_taking_back_again_goes_further_back_until_nothing_was_before(selling: World, client: TestClient) -> None:
    def put(units: int) -> None:
        client.put("/v1/buffers", json={"channel": "shop", "sku": "MUG", "buffer": units, "reason": "tried"})

    back = {"sku": "MUG", "channel": "shop", "reason": "too many lost sales"}
    a_rule(selling.database, "shop", buffer=1)
    for units in (3, 7, 2):
        put(units)
    assert client.post("/v1/buffers/rollback", json=back).json()["buffer"] == 7
    compared = client.get("/v1/buffers/compare", params={"sku": "MUG", "channel": "shop"}).json()
    assert {one["which"]: one["buffer"] for one in compared}["before"] == 3
    put(9)
    assert [client.post("/v1/buffers/rollback", json=back).json()["buffer"] for _ in range(3)] == [7, 3, 1]
    answer = client.post("/v1/buffers/rollback", json=back)
    assert (answer.status_code, "nothing was in force before" in answer.text) == (409, True)
    versions = client.get("/v1/buffers/versions", params={"sku": "MUG", "channel": "shop"}).json()
    third, second, first = [one["version"] for one in versions if one["put_back"] is None][1:]
    assert [one["put_back"] for one in versions if one["version"] > third] == [0, first, second, None, second]


def test_taking_back_the_usual_figure_ends_at_the_channels_own_rule(selling: World, client: TestClient) -> None:
    client.put("/v1/buffers", json={"channel": "shop", "sku": "MUG", "buffer": 0, "reason": "as usual"})
    back = {"sku": "MUG", "channel": "shop", "reason": "not needed"}
    assert [client.post("/v1/buffers/rollback", json=back).status_code for _ in range(2)] == [200, 409]


def test_without_a_version_in_force_there_is_nothing_to_take_back(selling: World, client: TestClient) -> None:
    body = {"sku": "PLATE", "channel": "shop", "reason": "try"}
    assert client.post("/v1/buffers/rollback", json=body).status_code == 409


def test_in_force_before_and_recommended_stand_side_by_side(selling: World, client: TestClient) -> None:
    for units in (5, 8):
        a_rule(selling.database, "shop", buffer=units, sku="MUG")
    answer = client.get("/v1/buffers/compare", params={"sku": "MUG", "channel": "shop"})
    rows = {row["which"]: row for row in answer.json()}
    assert (rows["in_force"]["buffer"], rows["before"]["buffer"]) == (8, 5)
    assert rows["before"]["expected_oversell_rate"] >= rows["in_force"]["expected_oversell_rate"]


def test_what_is_lacking_is_said_and_never_silently_assumed(stocked: World, client: TestClient) -> None:
    now = stocked.clock()
    happens(stocked.database, "receipt", "MUG", 100, now - timedelta(days=2), location="LEEDS")
    with stocked.database.transaction() as connection:
        connection.execute(text("UPDATE sku SET unit_price = 0 WHERE sku = 'MUG'"))
    found = recommended(client)
    terms = found["terms"]
    assert isinstance(terms, dict)
    assert terms["lost_cost"]["note"] == "the SKU has no price above 0"
    assert terms["sync_age_p90"]["basis"] == "assumed"
    assert terms["order_late"]["note"] == "no order is open with a supplier"
    assert terms["lead_time"]["basis"] == "unknown"
    assert str(found["reason"]).startswith("keeps 0: no demand history of MUG")


def test_the_open_orders_lateness_and_the_suppliers_record_are_terms(selling: World, client: TestClient) -> None:
    now = selling.clock()
    rows = [(30, 25, 20, 10, 8), (20, 15, 12, 10, 10), (9, 2, None, 10, None)]
    with selling.database.transaction() as connection:
        for ordered, promised, received, wanted, came in rows:
            days = [None if day is None else to_microseconds(now - timedelta(days=day))
                    for day in (ordered, promised, received)]  # fmt: skip
            connection.execute(
                text(
                    "INSERT INTO delivery (supplier, sku, ordered_at, promised_at, received_at, ordered_quantity, "
                    "received_quantity, content) VALUES ('POTTERY', 'MUG', :o, :p, :r, :w, :c, :x)"
                ),
                {"o": days[0], "p": days[1], "r": days[2], "w": wanted, "c": came, "x": bytes([ordered])},
            )
    terms = recommended(client)["terms"]
    assert isinstance(terms, dict)
    assert terms["order_late"]["value"] == pytest.approx(2.0)
    assert terms["fill_rate"]["value"] == pytest.approx(0.9)
    assert terms["supplier_late_share"]["value"] == pytest.approx(1.0)
    assert "nine of ten within" in terms["lead_time"]["note"]


def test_a_sku_without_stock_or_an_unknown_channel_is_refused(selling: World, stocktriage: Run) -> None:
    assert stocktriage("buffers", "recommend", "--sku", "NOPE").code == 2
    assert "there is no SKU NOPE" in stocktriage("buffers", "recommend", "--sku", "NOPE").err
    assert stocktriage("buffers", "apply", "--channel", "nowhere").code == 2


def test_the_command_line_applies_compares_and_takes_back(selling: World, stocktriage: Run) -> None:
    a_rule(selling.database, "shop", buffer=5, sku="MUG")
    a_rule(selling.database, "shop", buffer=8, sku="MUG")
    assert "in_force" in stocktriage("buffers", "compare", "--sku", "MUG").out
    back = stocktriage("buffers", "rollback", "MUG", "shop", "--reason", "too cautious", "--actor", "ada", "--json")
    assert json.loads(back.out.splitlines()[0])["buffer"] == 5
    assert json.loads(back.out.splitlines()[0])["owner"] == "ada"
    assert stocktriage("buffers", "apply", "--sku", "MUG", "--dry-run").code == 0


def test_a_sku_that_nobody_ever_told_of_is_named_and_nothing_is_written(selling: World, client: TestClient) -> None:
    told = {"channel": "shop", "sku": "MGU", "reason": "agreed"}
    answers = [
        client.get("/v1/buffers", params={"sku": "MGU"}),
        client.get("/v1/buffers/versions", params={"sku": "MGU", "channel": "shop"}),
        client.put("/v1/buffers", json={**told, "buffer": 3}),
        client.post("/v1/buffers/apply", json={"sku": "MGU"}),
        client.post("/v1/buffers/rollback", json=told),
    ]
    assert [one.status_code for one in answers] == [404] * 5
    assert {one.json()["detail"] for one in answers} == {"there is no SKU MGU"}


def test_a_known_sku_without_stock_is_refused_with_what_is_lacking(selling: World, client: TestClient) -> None:
    a_sku(selling.database, "JUG")
    answer = client.get("/v1/buffers", params={"sku": "JUG"})
    assert answer.status_code == 409
    assert "its stock is not known: count it" in answer.json()["detail"]


@pytest.mark.parametrize("verb", ["put", "rollback"])
def test_nothing_is_changed_without_a_reason(selling: World, client: TestClient, verb: str) -> None:
    told = {"channel": "shop", "sku": "MUG", "reason": "  "}
    if verb == "put":
        answer = client.put("/v1/buffers", json={**told, "buffer": 3})
    else:
        client.put("/v1/buffers", json={**told, "buffer": 3, "reason": "agreed"})
        answer = client.post("/v1/buffers/rollback", json=told)
    assert answer.status_code == 409
    assert "needs a reason" in answer.json()["detail"]


def test_a_kit_has_buffers_too_though_nothing_of_that_name_lies_anywhere(selling: World, client: TestClient) -> None:
    with selling.database.transaction() as connection:
        connection.execute(text("INSERT INTO kit_component (kit, component, quantity) VALUES ('SET', 'MUG', 2)"))
    told = {"channel": "shop", "sku": "SET", "buffer": 3, "reason": "agreed"}
    assert client.put("/v1/buffers", json=told).status_code == 200


def test_applying_again_writes_nothing_until_the_end_is_near_and_taking_back_goes_past_renewals(
    selling: World, client: TestClient
) -> None:
    body = {"sku": "MUG", "channel": "shop"}
    outcomes = [client.post("/v1/buffers/apply", json=body).json()[0] for _ in range(2)]
    assert [one["outcome"] for one in outcomes] == ["applied", "unchanged"]
    assert isinstance(selling.clock, Clock)
    selling.clock.pass_(hours=20)
    (renewed,) = client.post("/v1/buffers/apply", json=body).json()
    assert (renewed["outcome"], renewed["buffer"]) == ("applied", outcomes[0]["buffer"])
    back = client.post("/v1/buffers/rollback", json={**body, "reason": "too much"}).json()
    assert (back["buffer"], outcomes[0]["buffer"] > 0) == (0, True)


def test_the_backtest_has_a_line_a_way_and_a_column_an_accepted_rate(selling: World, stocktriage: Run) -> None:
    for day in range(1, 9):
        happens(selling.database, "ship", "MUG", 2, now() - timedelta(days=day), location="LEEDS", channel="shop")
    told = stocktriage("buffers", "backtest", "--channel", "shop", "--days", "10")
    assert told.code == 0, told.err
    heading, *ways = [line for line in told.out.splitlines() if "%" in line]
    assert "0.25 %" in heading
    assert len([line for line in ways if line.startswith("shop")]) == 5
