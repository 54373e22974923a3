"""What was changed behind the ledger's back becomes a case, and the case ends when it is mended."""

from fastapi.testclient import TestClient
from sqlalchemy import text

from api.checks import examine
from api.jobs.rounds import ROLES
from api.schemas import Health
from api.wiring import World
from tests.builders import MONDAY, a_receipt


def the_case(world: World) -> tuple[str, str]:
    with world.database.reading() as connection:
        status, skus = connection.execute(text("SELECT status, skus FROM exception_case")).one()
        return status, skus


def change(world: World, statement: str) -> None:
    with world.database.transaction() as connection:
        connection.execute(text(statement))


def test_a_position_that_was_changed_directly_is_a_case_until_it_is_mended(client: TestClient, stocked: World) -> None:
    with stocked.ledger() as ledger:
        ledger.apply([a_receipt(5)], MONDAY)
    ROLES["prove"].round(stocked)
    proof = Health.model_validate(client.get("/v1/health").json()).proof
    assert proof is not None
    assert (proof.open_disagreements, proof.last_proved, proof.last_ended_at) == (0, 1, stocked.clock())

    change(stocked, "UPDATE position SET on_hand = 7")
    assert ROLES["prove"].round(stocked) == {"differing": 1}
    ROLES["triage"].round(stocked)
    assert the_case(stocked) == ("new", '["MUG"]')
    assert client.get("/v1/health").json()["proof"]["open_disagreements"] == 1
    (check,) = (one for one in examine(stocked) if "replaying" in one.check)
    assert not check.fine
    assert "1 positions differ; 1 positions proved from 2026-03-02 08:00:00 to 08:00:00 UTC" in check.found

    change(stocked, "UPDATE position SET on_hand = 5")
    ROLES["prove"].round(stocked)
    ROLES["triage"].round(stocked)
    assert the_case(stocked)[0] == "resolved"
