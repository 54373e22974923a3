"""A receipt told twice under two ids, in a case: something that a person must decide."""

from sqlalchemy import text

from api.wiring import World
from core_sync.cases.signals import open_or_join
from tests.builders import MONDAY, a_receipt
from tests.core_sync.cases.worklist import MORNING, a_case


def a_case_of_a_repeat(world: World, loss: str = "10") -> int:
    """A case of mugs received twice by the same document and line, its action to decide which."""
    case = a_case(world.database, "MUG", loss, root_cause="duplicate", recommended_action="decide_duplicate")
    with world.ledger() as ledger:
        ledger.apply([a_receipt(5, document="PO-1", line="1"), a_receipt(5, document="PO-1", line="1")], MONDAY)
    with world.database.transaction() as connection:
        statement = text("SELECT failure_id FROM failure WHERE error_code = 'business_key'")
        failure = connection.execute(statement).scalar_one()
        assert open_or_join(connection, "push:MUG", "failure", failure, MORNING) == case
    return case
