"""Say what a foreign name means, and replay the events that waited for it."""

# ruff: noqa: ARG002 (the port hands every action what any of them may need)
from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection, text

from core_sync.errors import VerbRefused
from core_sync.ledger.decisions import retry_lacking, reverse
from core_sync.master_data.aliases import accept_alias, withdraw_alias
from core_sync.master_data.candidates import Candidate
from remediation.actions.hand_over import nothing_to_change
from remediation.actions.port import Change, Choice, Order, Plan, Told, Verification, Verified
from remediation.case_view import CaseView, Signal
from remediation.failures_left import still_open
from remediation.work_items import close_items, open_item
from remediation.world import World

UNMAPPED = "unmapped_sku"


class MapSku:
    """For names, units and places that master data does not know. A name is mapped; the rest is a person's task."""

    kind = "map_sku"

    def plan(self, connection: Connection, case: CaseView, at: datetime) -> Plan:
        """The names without a meaning, and for each what it most likely means."""
        waiting = [signal for signal in case.failures if signal.held_event is not None]
        told = [signal for signal in case.failures if signal.is_told and _is_foreign(connection, signal)]
        unmapped = [signal for signal in waiting if signal.error_code == UNMAPPED] + told
        names = sorted({(signal.system, signal.sku) for signal in unmapped if signal.system and signal.sku})
        ranked = _ranked(waiting + told)
        if not names and not waiting:
            why = "every name of the case is known and no event waits for master data"
            return nothing_to_change(self.kind, case, why, _candidates_told(case))
        meant = ranked[0].sku if ranked else "a SKU that the approver names"
        changes = [Change(f"map to {meant}", f"{name} of {system}") for system, name in names]
        if not names:
            changes.append(Change("correct master data, a person's task", waiting[0].message))
        if waiting:
            changes.append(Change("replay", f"{len(waiting)} parked event(s)", sum(s.quantity or 0 for s in waiting)))
        return Plan(
            action=self.kind,
            case_id=case.case_id,
            summary=f"map {len(names)} name(s) and replay {len(waiting)} parked event(s)",
            changes=tuple(changes),
            reversible=bool(names),
            units=sum(s.quantity or 0 for s in waiting),
            money=case.money(meant, sum(s.quantity or 0 for s in waiting)),
            choices=tuple(Choice(one.sku, f"{one.sku}, likeness {one.likeness:.2f}", one.likeness) for one in ranked),
            failures=tuple(signal.failure_id for signal in case.failures),
            arguments={
                "names": [list(name) for name in names],
                "told": [signal.failure_id for signal in case.failures if signal.is_told],
                "events": [list(signal.held_event) for signal in waiting if signal.held_event is not None],
            },
        )

    def refusal(self, world: World, order: Order) -> str | None:
        """Several names at once need one decision each; a name without candidates needs the approver's."""
        names = order.plan.arguments["names"]
        different = {name for _, name in names}
        if len(different) > 1:
            return f"{len(different)} different names are in one case: split it, each needs its own meaning"
        if names and order.picked is None:
            return f"nothing is like {names[0][1]}: name the SKU when approving"
        return None

    def run(self, world: World, order: Order) -> Told:
        """Accept the alias, then try everything again that lacked master data."""
        at = world.clock()
        with world.database.transaction() as connection:
            for system, name in order.plan.arguments["names"]:
                assert order.picked is not None  # refusal() saw to it
                accept_alias(connection, system, name, order.picked, order.actor)
            if not order.plan.arguments["names"]:
                title = f"correct master data for case {order.plan.case_id}"
                open_item(connection, order.run_id, order.plan.case_id, self.kind, title, {}, at)
        outcome = retry_lacking(world.ledger, at)
        return {"mapped_to": order.picked, "applied": outcome.accepted, "still_parked": outcome.parked}

    def verify(self, world: World, order: Order) -> Verification:
        """The events of the case are in the ledger."""
        told = order.plan.arguments.get("told", ())
        parked = [failure for failure in order.plan.failures if failure not in told]
        left = still_open(world.database, parked)
        if not left and order.plan.arguments["names"]:
            return Verification(Verified.AGREES, f"the name has a meaning; {len(parked)} parked event(s) are applied")
        if not left:
            return Verification(Verified.AGREES, f"{len(parked)} parked event(s) are applied")
        if not order.plan.arguments["names"]:
            retry_lacking(world.ledger, world.clock())
            left = still_open(world.database, parked)
            if not left:
                return Verification(Verified.AGREES, "master data was corrected and the parked events are applied")
        return Verification(Verified.NOT_YET, f"{len(left)} event(s) still wait")

    def finish(self, world: World, order: Order) -> None:
        """The task is done."""
        with world.database.transaction() as connection:
            close_items(connection, order.run_id, order.actor, world.clock())

    def undo(self, world: World, order: Order) -> Told:
        """The name means nothing from now on, and what was replayed is taken back."""
        names = order.plan.arguments["names"]
        if not names:
            raise VerbRefused("undo", f"run {order.run_id}", "master data was corrected outside this run")
        at = world.clock()
        for source, event_id in order.plan.arguments["events"]:
            reverse(world.ledger, source, event_id, order.actor, at)
        with world.database.transaction() as connection:
            for system, name in names:
                withdraw_alias(connection, system, name, at)
        return {"reversed": len(order.plan.arguments["events"])}


def _ranked(signals: Iterable[Signal]) -> list[Candidate]:
    """Every candidate that evidence names, each once, the most like first."""
    best: dict[str, float] = {}
    for signal in signals:
        if signal.mapping_candidates:
            for one in _candidates(signal.mapping_candidates):
                best[one.sku] = max(best.get(one.sku, 0.0), one.likeness)
    return [Candidate(sku, likeness) for sku, likeness in sorted(best.items(), key=lambda one: (-one[1], one[0]))]


def _candidates(told: str) -> list[Candidate]:
    """Candidates as the ledger writes them (JSON), or as a file names them (JSON or ``;`` between, best first)."""
    try:
        found = msgspec.json.decode(told, type=list[Candidate | str])
    except (msgspec.DecodeError, msgspec.ValidationError):
        found = [name.strip() for name in told.split(";") if name.strip()]
    return [
        one if isinstance(one, Candidate) else Candidate(one, round(1.0 - rank / 100, 4))
        for rank, one in enumerate(found)
    ]


def _is_foreign(connection: Connection, signal: Signal) -> bool:
    """Whether the failure names a SKU that neither master data nor an alias of that system knows."""
    known = text(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM sku WHERE sku = :name) OR EXISTS (SELECT 1 FROM alias "
        "WHERE system = :system AND external_sku = :name AND valid_to IS NULL)"
    )
    bound = {"name": signal.sku, "system": signal.system}
    return bool(signal.sku and signal.system) and connection.execute(known, bound).first() is None


def _candidates_told(case: CaseView) -> list[str]:
    return [f"candidate {one.sku}, likeness {one.likeness:.2f}" for one in _ranked(case.failures)]
