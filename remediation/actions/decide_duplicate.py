"""Decide what a repeated event is: the same movement told twice, or a movement of its own."""

# ruff: noqa: ARG002 (the port hands every action what any of them may need)
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from core_sync.errors import VerbRefused
from core_sync.ledger.decisions import apply_after_all, confirm_duplicate, reverse
from core_sync.ledger.own_ids import reversal_id
from core_sync.ledger.verdicts import held_by_event
from remediation.actions.hand_over import nothing_to_change
from remediation.actions.port import Change, Choice, Order, Plan, Told, Verification, Verified
from remediation.case_view import CaseView, Signal
from remediation.world import World

CONFIRM = "confirm"
APPLY = "apply"
REVERSE = "reverse"

_SAYS = {
    CONFIRM: "the same movement told twice: it stays without effect",
    APPLY: "a movement of its own, or the right telling: it is applied, and what it contradicts is taken back",
    REVERSE: "the movement that was applied is taken back",
}
_DECIDED = ("applied", "dismissed")


class DecideDuplicate:
    """For suspected duplicates, which wait without stock effect, and for ids that came back with other content."""

    kind = "decide_duplicate"

    def plan(self, connection: Connection, case: CaseView, at: datetime) -> Plan:
        """Each suspected event, and the one it seems to repeat."""
        held = [_held(connection, signal) for signal in case.failures if signal.held_event is not None]
        suspected = {one["like"] for one in held if not one["contradicts"]}
        applied = _applied(connection, case, suspected)
        if not held and not applied:
            return nothing_to_change(self.kind, case, "no event of the case is held or in the ledger")
        contradicted = {one["like"] for one in held if one["contradicts"]}
        changes = [
            Change("decide", f"{one['event']} of {one['source']}, like {one['like']}", one["quantity"]) for one in held
        ] + [
            Change("decide", f"{one['event']} of {one['source']}", one["quantity"])
            for one in applied
            if one["event"] not in contradicted
        ]
        units = sum(one["quantity"] for one in held + applied)
        ways = (CONFIRM, *((APPLY,) if held else ()), *((REVERSE,) if applied else ()))
        return Plan(
            action=self.kind,
            case_id=case.case_id,
            summary=f"decide {len(changes)} repeated event(s)",
            changes=tuple(changes),
            reversible=bool(held) and not applied,
            units=units,
            money=sum(case.money(one["sku"], one["quantity"]) for one in held + applied),
            choices=tuple(Choice(way, _SAYS[way]) for way in ways),
            failures=tuple(signal.failure_id for signal in case.failures),
            arguments={"held": held, "applied": applied},
        )

    def refusal(self, world: World, order: Order) -> str | None:
        """What was decided meanwhile is not decided again."""
        if order.picked not in {choice.name for choice in order.plan.choices}:
            return f"{order.picked} is not one of {', '.join(choice.name for choice in order.plan.choices)}"
        held = order.plan.arguments["held"]
        if not held and not order.plan.arguments["applied"]:
            return "no repeated event is left in the case"
        with world.database.reading() as connection:
            waiting = [one for one in held if _status(connection, one["held_id"]) not in _DECIDED]
        return "every event was decided already" if held and not waiting else None

    def run(self, world: World, order: Order) -> Told:
        """Carry the decision out, event by event; those decided before a crash are left as they are."""
        at = world.clock()
        decided = 0
        for one in order.plan.arguments["held"]:
            with world.database.reading() as connection:
                status = _status(connection, one["held_id"])
            if status in _DECIDED:
                continue
            if order.picked == APPLY:
                apply_after_all(world.ledger, one["held_id"], order.actor, at)
            else:
                confirm_duplicate(world.ledger, one["held_id"], order.actor, at)
            decided += 1
        if order.picked == REVERSE:
            for one in order.plan.arguments["applied"]:
                decided += _reverse_once(world, one, order.actor, at)
        return {"decision": order.picked, "decided": decided}

    def verify(self, world: World, order: Order) -> Verification:
        """No event of the plan waits for a decision, and one taken to apply is in the ledger."""
        with world.database.reading() as connection:
            states = [_status(connection, one["held_id"]) for one in order.plan.arguments["held"]]
        if any(state == "parked" for state in states):
            return Verification(Verified.NOT_YET, "it applies as soon as its position has the stock")
        if any(state not in _DECIDED for state in states):
            return Verification(Verified.FAILED, "an event still waits for a decision")
        return Verification(Verified.AGREES, f"decided: {_SAYS[order.picked or CONFIRM]}")

    def finish(self, world: World, order: Order) -> None:
        """Nothing was set up only for the time between."""

    def undo(self, world: World, order: Order) -> Told:
        """A confirmed repeat is applied after all; an applied one is taken back."""
        held = order.plan.arguments["held"]
        if not order.plan.reversible:
            raise VerbRefused("undo", f"run {order.run_id}", "a reversal is not itself reversed")
        at = world.clock()
        for one in held:
            if order.picked == APPLY:
                reverse(world.ledger, one["source"], one["event"], order.actor, at)
            else:
                apply_after_all(world.ledger, one["held_id"], order.actor, at)
        return {"taken_back": len(held)}


def _held(connection: Connection, signal: Signal) -> dict[str, Any]:
    assert signal.held_event is not None  # the caller asked for those only
    source, event_id = signal.held_event
    held = held_by_event(connection, source, event_id)
    return {
        "held_id": held.held_id,
        "source": source,
        "event": event_id,
        "like": signal.duplicate_of or "one before",
        "contradicts": held.contradicts is not None,
        "sku": signal.sku or "",
        "quantity": signal.quantity or 0,
    }


def _applied(connection: Connection, case: CaseView, waiting: set[str]) -> list[dict[str, Any]]:
    """Movements in the ledger that the case says were told again, each once; not those whose repeat is ``waiting``."""
    found: dict[str, dict[str, Any]] = {}
    for signal in case.failures:
        event = signal.duplicate_of
        source = _source_of(connection, event, signal.system) if event else None
        if event and source is not None and event not in waiting:
            one = {"source": source, "event": event, "sku": signal.sku or "", "quantity": signal.quantity or 0}
            found.setdefault(event, one)
    return list(found.values())


def _source_of(connection: Connection, event_id: str, told_by: str | None) -> str | None:
    """Who told the event that is in the ledger; whoever reports a repeat need not be who told it."""
    return connection.execute(
        text(
            "SELECT s.name FROM source s JOIN ledger_entry e ON e.source_id = s.source_id "
            "WHERE e.event_id = :event_id ORDER BY CASE WHEN s.name = :told_by THEN 0 ELSE 1 END, s.source_id LIMIT 1"
        ),
        {"event_id": event_id, "told_by": told_by},
    ).scalar_one_or_none()


def _status(connection: Connection, held_id: int) -> str:
    status = connection.execute(
        text("SELECT status FROM held_event WHERE held_id = :held_id"), {"held_id": held_id}
    ).scalar_one()
    return str(status)


def _reverse_once(world: World, one: dict[str, Any], actor: str, at: datetime) -> int:
    with world.database.reading() as connection:
        done = connection.execute(
            text("SELECT 1 FROM ledger_entry WHERE event_id = :event_id"),
            {"event_id": reversal_id(one["source"], one["event"])},
        ).first()
    if done is not None:
        return 0
    reverse(world.ledger, one["source"], one["event"], actor, at)
    return 1
