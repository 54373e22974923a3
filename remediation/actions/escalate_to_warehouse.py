"""Ask the place whose confirmation is late, and hold what channels promise until figures agree."""

# ruff: noqa: ARG002 (the port hands every action what any of them may need)
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.channels.port import ReadFailed
from core_sync.channels.warehouse import Question
from core_sync.outbox.intend import hold, release
from core_sync.outbox.listing import Listing
from core_sync.outbox.read_back import note_shown, shown_now
from remediation.actions.hand_over import nothing_to_change
from remediation.actions.port import Change, Order, Plan, Told, Verification, Verified
from remediation.case_view import CaseView
from remediation.failures_left import still_open
from remediation.work_items import close_items, open_item
from remediation.world import World


class EscalateToWarehouse:
    """For postings that are late and figures that a channel accepted and does not show."""

    kind = "escalate_to_warehouse"

    def plan(self, connection: Connection, case: CaseView, at: datetime) -> Plan:
        """The listings to hold, and whom to ask about what."""
        listings = _listings(connection, case)
        asked = [[sku, location] for location in case.locations for sku in case.skus]
        if not listings and not asked:
            return nothing_to_change(self.kind, case, "no place and no listing of ours is named")
        expected = [
            [signal.listing.channel, signal.listing.sku, signal.quantity]
            for signal in case.failures
            if signal.listing is not None and signal.quantity is not None
        ]
        changes = [Change("ask to confirm what was posted", f"{sku} at {location}") for sku, location in asked]
        changes += [Change("hold the promise", f"{listing.sku} on {listing.channel}") for listing in listings]
        return Plan(
            action=self.kind,
            case_id=case.case_id,
            summary=f"ask about {len(asked) or len(listings)} figure(s) and hold {len(listings)} listing(s)",
            changes=tuple(changes),
            reversible=True,
            failures=tuple(signal.failure_id for signal in case.failures),
            arguments={
                "listings": [[listing.channel, listing.sku] for listing in listings],
                "expected": expected,
                "asked": asked,
            },
        )

    def refusal(self, world: World, order: Order) -> str | None:
        """Always allowed: it asks, and it holds back."""
        return None

    def run(self, world: World, order: Order) -> Told:
        """Hold first, then ask; the key makes a repeated question one question."""
        at, plan = world.clock(), order.plan
        held_because = f"case {plan.case_id}: {plan.summary}"
        with world.database.transaction() as connection:
            held = hold(connection, _held(order), held_because)
            detail = {"asked": plan.arguments["asked"], "held": plan.arguments["listings"]}
            open_item(connection, order.run_id, plan.case_id, self.kind, plan.summary, detail, at)
        references: list[str] = []
        for sku, location in plan.arguments["asked"]:
            warehouse = world.warehouses.of(location)
            if warehouse is not None:
                key = f"run-{order.run_id}-{sku}-{location}"
                message = f"Please confirm what is posted for {sku} at {location} (case {plan.case_id})."
                references.append(warehouse.ask(Question(key, sku, location, message)))
        with world.database.transaction() as connection:
            told = ", ".join(references) or None
            open_item(connection, order.run_id, plan.case_id, self.kind, plan.summary, detail, at, told)
        return {"held": held, "questions": references}

    def verify(self, world: World, order: Order) -> Verification:
        """The channel shows what it accepted; the warehouse holds what the ledger says."""
        waiting = self._channels_behind(world, order) + _warehouses_behind(world, order)
        if waiting:
            return Verification(Verified.NOT_YET, "; ".join(waiting))
        asked = order.plan.arguments["expected"] or _answerable(world, order)
        if not asked and still_open(world.database, order.plan.failures):
            return Verification(Verified.NOT_YET, "no system can be read back; waiting for the missing posting")
        return Verification(Verified.AGREES, "what was read back agrees")

    def finish(self, world: World, order: Order) -> None:
        """Let the promise go again, with what it should be by now."""
        at = world.clock()
        shown = shown_now(world.channels, _held(order))
        with world.database.transaction() as connection:
            note_shown(connection, shown, at)
            release(connection, _held(order), at)
            close_items(connection, order.run_id, order.actor, at)

    def undo(self, world: World, order: Order) -> Told:
        """Release what is held; the question stays asked."""
        self.finish(world, order)
        return {"released": len(_held(order))}

    def _channels_behind(self, world: World, order: Order) -> list[str]:
        expected = {Listing(channel, sku): quantity for channel, sku, quantity in order.plan.arguments["expected"]}
        shown = shown_now(world.channels, expected.keys())
        return [
            f"{listing.channel} shows {shown.get(listing, 'nothing')} of {listing.sku}, {quantity} is expected"
            for listing, quantity in expected.items()
            if shown.get(listing) != quantity
        ]


def _held(order: Order) -> list[Listing]:
    return [Listing(channel, sku) for channel, sku in order.plan.arguments["listings"]]


def _listings(connection: Connection, case: CaseView) -> list[Listing]:
    """Listings of the case's SKUs: on the channels whose pushes failed, else wherever they are listed."""
    if case.listings:
        return list(case.listings)
    rows = connection.execute(text("SELECT channel, sku FROM push_intent ORDER BY channel, sku"))
    return [
        Listing(channel, sku)
        for channel, sku in rows
        if sku in case.skus and (not case.channels or channel in case.channels)
    ]


def _answerable(world: World, order: Order) -> list[tuple[str, str]]:
    return [(sku, place) for sku, place in order.plan.arguments["asked"] if world.warehouses.of(place) is not None]


def _warehouses_behind(world: World, order: Order) -> list[str]:
    behind: list[str] = []
    for sku, location in _answerable(world, order):
        warehouse = world.warehouses.of(location)
        assert warehouse is not None  # _answerable() asked
        try:
            theirs = warehouse.on_hand(sku, location)
        except ReadFailed as error:
            behind.append(f"{location} gives no answer: {error.why}")
            continue
        ours = _on_hand(world, sku, location)
        if theirs != ours:
            behind.append(f"{location} holds {theirs} of {sku}, the ledger says {ours}")
    return behind


def _on_hand(world: World, sku: str, location: str) -> int:
    with world.database.reading() as connection:
        total = connection.execute(
            text("SELECT coalesce(sum(on_hand), 0) FROM position WHERE sku = :sku AND location = :location"),
            {"sku": sku, "location": location},
        ).scalar_one()
    return int(total)
