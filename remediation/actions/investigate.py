"""Put the case on a person's list: nothing else is known to help."""

# ruff: noqa: ARG002 (the port hands every action what any of them may need)
from datetime import datetime

from sqlalchemy import Connection

from remediation.actions.port import Change, Order, Plan, Told, Verification, Verified
from remediation.case_view import CaseView
from remediation.failures_left import still_open
from remediation.outcomes import how_it_ended
from remediation.work_items import close_items, open_item
from remediation.world import World


class Investigate:
    """For everything whose cause no action of ours removes."""

    kind = "investigate"

    def plan(self, connection: Connection, case: CaseView, at: datetime) -> Plan:
        """What there is to look at."""
        return Plan(
            action=self.kind,
            case_id=case.case_id,
            summary=f"put case {case.case_id} on the list of things to look into",
            changes=tuple(Change("look into", told) for told in _told(case)),
            reversible=True,
            failures=tuple(signal.failure_id for signal in case.failures),
        )

    def refusal(self, world: World, order: Order) -> str | None:
        """Always allowed."""
        return None

    def run(self, world: World, order: Order) -> Told:
        """Open the item of work."""
        plan = order.plan
        with world.database.transaction() as connection:
            detail = {"look_at": [change.target for change in plan.changes]}
            open_item(connection, order.run_id, plan.case_id, self.kind, plan.summary, detail, world.clock())
        return {"opened": True}

    def verify(self, world: World, order: Order) -> Verification:
        """Whoever looked into it resolved the case, or the failures are gone."""
        with world.database.reading() as connection:
            ended = how_it_ended(connection, order.plan.case_id)
        if ended is not None:
            return Verification(Verified.AGREES, f"the case was resolved: {ended}")
        if order.plan.failures and not still_open(world.database, order.plan.failures):
            return Verification(Verified.AGREES, "every failure of the case is gone")
        return Verification(Verified.NOT_YET, "it waits for a person")

    def finish(self, world: World, order: Order) -> None:
        """The item is done."""
        with world.database.transaction() as connection:
            close_items(connection, order.run_id, order.actor, world.clock())

    def undo(self, world: World, order: Order) -> Told:
        """Take the item off the list."""
        self.finish(world, order)
        return {"closed": True}


def _told(case: CaseView) -> list[str]:
    told = [signal.message or f"{signal.sku or 'unknown SKU'}: told without a message" for signal in case.failures]
    return told or [f"{sku}: figures differ and no system reported a failure" for sku in case.skus]
