"""Actions: preview, ask, approve, reject, undo; and how far each kind may go by itself."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.session import Actor, AsJson, Database, fail, open_world, print_json_lines, print_rows, who

if TYPE_CHECKING:
    from api.wiring import World

AUTONOMY_COLUMNS = {"action": "action", "level": "level", "max_units": "max units", "max_money": "max money",
                    "per_hour": "per hour", "owner": "owner", "reason": "why"}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(act)
    app.command()(autonomy)


def act(
    case: Annotated[int, typer.Argument(metavar="CASE", help="The case's number.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    action: Annotated[str | None, typer.Option(help="Another action than the recommended one.")] = None,
    choice: Annotated[str | None, typer.Option(help="Which of the plan's choices.")] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Approve what waits for approval.")] = False,
    reject: Annotated[str | None, typer.Option(metavar="REASON", help="Reject what waits for approval.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what the last run did.")] = False,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Run the recommended action of a case, or preview it. What needs approval waits for --approve."""
    from api.details import plan_shape
    from remediation import service

    with open_world(database) as world:
        at = world.clock()
        if dry_run:
            plan = plan_shape(service.preview(world.database, case, at, action))
            print_json_lines([plan]) if as_json else _print_plan(plan)
            return
        if approve or reject is not None or undo:
            run = _live(world, case, "succeeded" if undo else "awaiting_approval")
            if undo:
                service.undo(world.remediation, run, who(actor), at)
            elif approve:
                service.approve(world.remediation, run, who(actor), at, choice)
            else:
                service.reject(world.database, run, who(actor), reject or "", at)
        else:
            run = service.request(world.remediation, case, who(actor), at, action, choice)
        told = _told(world, case, run)
    print_json_lines([told]) if as_json else print(_line(told))


def autonomy(
    action: Annotated[str | None, typer.Argument(help="A kind of action; all are listed without.")] = None,
    level: Annotated[str | None, typer.Argument(help="off, shadow, suggest, approve or auto.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    max_units: Annotated[int | None, typer.Option(min=0, help="Most units that one run may move by itself.")] = None,
    max_money: Annotated[int | None, typer.Option(min=0, help="Most money, at selling prices.")] = None,
    per_hour: Annotated[int | None, typer.Option(min=0, help="Most runs an hour by itself.")] = None,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """How far each kind of action may go by itself; with ACTION and LEVEL, set it."""
    from api.autonomy import ladder_rows, set_level

    with open_world(database) as world:
        if action is not None and level is not None:
            if not reason.strip():
                fail("an autonomy level needs --reason")
            set_level(world, action, level, who(actor), reason, max_units, max_money, per_hour)
        rows = [row for row in ladder_rows(world) if action in (None, row["action"])]
    print_rows(rows, as_json, AUTONOMY_COLUMNS, "there is no such action")


def _live(world: "World", case: int, status: str) -> int:
    from remediation.service import runs_of

    waiting = [run.run_id for run in runs_of(world.database, case) if run.status == status]
    if not waiting:
        fail(f"case {case} has no action that is {status.replace('_', ' ')}")
    return waiting[0]


def _told(world: "World", case: int, run: int) -> dict[str, Any]:
    from api.details import runs_of

    with world.database.reading() as connection:
        return next(one for one in runs_of(connection, case) if one["run"] == run)


def _line(run: dict[str, Any]) -> str:
    told = run["outcome"] or run["why"] or run["plan"]["summary"]
    line = f"run {run['run']}, {run['action']}: {run['status'].replace('_', ' ')}; {told}"
    return line + (
        f"\napprove it with: stocktriage act {run['case']} --approve" if run["status"] == "awaiting_approval" else ""
    )


def _print_plan(plan: dict[str, Any]) -> None:
    print(f"{plan['action']}: {plan['summary']}" + ("" if plan["reversible"] else " (cannot be taken back)"))
    for change in plan["changes"]:
        quantity = f"{change['quantity']} units, " if change["quantity"] is not None else ""
        print(f"  - {change['what']}: {quantity}{change['target']}")
    for choice in plan["choices"]:
        likeness = f" ({choice['likeness']:.0%})" if choice["likeness"] is not None else ""
        print(f"  choice {choice['name']}{likeness}: {choice['says']}")
    if not plan["changes"]:
        print("  nothing to change")
