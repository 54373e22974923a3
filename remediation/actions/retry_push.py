"""Push again what did not arrive: today's figure, not the one that failed."""

# ruff: noqa: ARG002 (the port hands every action what any of them may need)
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.errors import VerbRefused
from core_sync.outbox.dispatch import push_due
from core_sync.outbox.intend import requeue
from core_sync.outbox.listing import Listing
from core_sync.outbox.read_back import confirm_visible
from remediation.actions.hand_over import nothing_to_change
from remediation.actions.port import Change, Order, Plan, Told, Verification, Verified
from remediation.case_view import CaseView
from remediation.listings import listings_to_push, promised
from remediation.world import World


class RetryPush:
    """For time-outs, outages and rate limits. Pushing the truth twice equals once, so there is nothing to undo."""

    kind = "retry_push"

    def plan(self, connection: Connection, case: CaseView, at: datetime) -> Plan:
        """Each listing whose push failed, with the figure it would be given."""
        found = listings_to_push(connection, case)
        if not found.listings:
            return nothing_to_change(self.kind, case, "no listing's push failed and none of the case's is behind")
        quantities = promised(connection)
        changes = tuple(
            Change("push the promised quantity", f"{listing.sku} on {listing.channel}", quantities.get(listing))
            for listing in found.listings
        )
        return Plan(
            action=self.kind,
            case_id=case.case_id,
            summary=f"push {len(changes)} listing(s) again with today's promise",
            changes=changes,
            reversible=False,
            failures=found.failures,
            arguments={
                "listings": [[listing.channel, listing.sku] for listing in found.listings],
                "queued": [[listing.channel, listing.sku] for listing in found.listings if listing in found.queued],
            },
        )

    def refusal(self, world: World, order: Order) -> str | None:
        """A channel that is not connected, or in mode shadow, is not written to."""
        listings = listings_of(order)
        if not listings:
            return "no failed push is left in the case"
        channels = {listing.channel for listing in listings}
        unconnected = sorted(name for name in channels if world.channels.get(name) is None)
        if unconnected:
            return f"no endpoint is configured for {', '.join(unconnected)}"
        with world.database.reading() as connection:
            rows = connection.execute(text("SELECT channel FROM channel WHERE mode = 'shadow'")).scalars()
            shadowed = sorted(channels & set(rows))
        return f"{', '.join(shadowed)} is in mode shadow" if shadowed else None

    def run(self, world: World, order: Order) -> Told:
        """Make the listings due and push them now."""
        return push_now(world, listings_of(order))

    def verify(self, world: World, order: Order) -> Verification:
        """Every listing is seen to show what it should; what went back into the queue is pushed when it is due."""
        push_due(world.database, world.channels, world.clock(), only=listings_of(order))
        return seen_visible(world, listings_of(order), _queued(order))

    def finish(self, world: World, order: Order) -> None:
        """Nothing was set up only for the time between."""

    def undo(self, world: World, order: Order) -> Told:
        """A figure that was true when pushed is not taken back; the next one replaces it."""
        raise VerbRefused("undo", f"run {order.run_id}", "a pushed quantity is replaced by the next, never taken back")


def listings_of(order: Order) -> list[Listing]:
    """The listings that a plan named."""
    return [Listing(channel, sku) for channel, sku in order.plan.arguments["listings"]]


def _queued(order: Order) -> frozenset[Listing]:
    return frozenset(Listing(channel, sku) for channel, sku in order.plan.arguments.get("queued", ()))


def push_now(world: World, listings: Collection[Listing]) -> Told:
    """Requeue ``listings`` and push them in one round; what each came to."""
    with world.database.transaction() as connection:
        requeue(connection, [listing for listing in listings if not _is_visible(connection, listing)])
    pushed = push_due(world.database, world.channels, world.clock(), only=listings)
    return {
        "accepted": len(pushed.accepted),
        "retried_later": len(pushed.retried_later),
        "failed": len(pushed.failed),
        "given_back": len(pushed.given_back),
    }


def seen_visible(
    world: World, listings: Collection[Listing], queued: Collection[Listing] = frozenset()
) -> Verification:
    """Read back, then say which of ``listings`` are not visible yet.

    One of ``queued`` that the channel answered with a refusal is no longer stopped by what the case is about: the
    refusal is a failure of its own, and of another case.
    """
    confirm_visible(world.database, world.channels, world.clock(), only=listings)
    with world.database.reading() as connection:
        states = {listing: _state(connection, listing) for listing in listings}
    elsewhere = [listing for listing in queued if states.get(listing) == "failed"]
    for listing in elsewhere:
        del states[listing]
    refused = sum(state == "failed" for state in states.values())
    if refused:
        return Verification(Verified.FAILED, f"{refused} of {len(states)} listing(s) were refused again")
    waiting = sum(state != "visible" for state in states.values())
    if waiting:
        held = sum(state == "held" for state in states.values())
        on_hold = f", {held} on hold until another action lets go" if held else ""
        return Verification(Verified.NOT_YET, f"{waiting} of {len(states)} listing(s) do not show it yet{on_hold}")
    refused_too = f"; {len(elsewhere)} that waited were refused for reasons of their own" if elsewhere else ""
    return Verification(Verified.AGREES, f"{len(states)} listing(s) show the promised quantity{refused_too}")


def _is_visible(connection: Connection, listing: Listing) -> bool:
    return _state(connection, listing) in ("visible", "accepted")


def _state(connection: Connection, listing: Listing) -> str:
    return str(
        connection.execute(
            text("SELECT state FROM push_intent WHERE channel = :channel AND sku = :sku"),
            {"channel": listing.channel, "sku": listing.sku},
        ).scalar_one_or_none()
    )
