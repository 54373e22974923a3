"""Judging anomalies: true, false or expected; today's audits; what is expected; how many false alarms are accepted."""

from typing import Annotated

import typer

from api.cli.session import Actor, AsJson, Database, fail, open_world, parse_moment, print_rows, who

SAID = "true, false or expected"

Why = Annotated[str, typer.Option("--reason", help="Why; needed for false, and to accept other false alarms.")]
Until = Annotated[str | None, typer.Option(help="expected: until when (a moment, or 7d).")]
Within = Annotated[
    str | None,
    typer.Option(help="expected: narrowed to which of sku,location,channel,kind; the first three if not said."),
]
AUDIT_COLUMNS = {
    "audit": "audit", "kind": "kind", "occurred_at": "when (UTC)", "system": "system", "sku": "sku",
    "location": "location", "channel": "channel", "state": "state", "expected": "expected", "actual": "actual",
    "said": "said", "said_by": "by",
}  # fmt: skip
JUDGEMENT_COLUMNS = {
    "judgement": "judgement", "said": "said", "case": "case", "audit": "audit", "reason": "reason", "until": "until",
    "rows": "rows", "said_by": "by", "said_at": "at (UTC)", "ended_by": "taken back by",
}  # fmt: skip
EXPECTED_COLUMNS = {
    "judgement": "judgement", "sku": "sku", "location": "location", "channel": "channel", "kind": "kind",
    "until": "until (UTC)", "reason": "reason", "said_by": "by", "suppressed": "kept off the list",
}  # fmt: skip
ANOMALY_COLUMNS = {
    "anomaly": "anomaly", "kind": "kind", "occurred_at": "when (UTC)", "sku": "sku", "location": "location",
    "channel": "channel", "expected": "expected", "actual": "actual", "p_value": "p", "case": "case",
    "suppressed_by": "expected by", "reasons": "why",
}  # fmt: skip
DETECTION_COLUMNS = {
    "kind": "kind", "accepts": "accepts", "owner": "set by", "rows_a_day": "rows a day", "promise": "promise",
    "strange_share": "strange share", "labels": "judged", "faults": "faults", "model_version": "model",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (judge, judgements, audits, expected, anomalies, detection):
        app.command()(command)


def judge(
    case_id: Annotated[int, typer.Argument(metavar="CASE", help="The case's number.")],
    said: Annotated[str, typer.Argument(metavar="SAID", help=SAID)],
    reason: Why = "",
    until: Until = None,
    within: Within = None,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Say what a case's anomalies are; it counts at once, and the next model learns from true and false."""
    from api import judging

    with open_world(database) as world:
        ends, narrowed = parse_moment(until, world.clock()) if until else None, _narrowed(within)
        judging.judge(world, said, who(actor), case_id=case_id, reason=reason, until=ends, within=narrowed)
        rows = judging.judgement_rows(world, case_id, 1)
    print_rows(rows, as_json, JUDGEMENT_COLUMNS)


def judgements(
    judgement_id: Annotated[int | None, typer.Argument(metavar="[ID]", help="One judgement.")] = None,
    verb: Annotated[str | None, typer.Argument(metavar="[VERB]", help="undo")] = None,
    case_id: Annotated[int | None, typer.Option("--case", help="Only of this case.")] = None,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """What people said, the newest first, with who and when; ID undo takes one back."""
    from api import judging

    with open_world(database) as world:
        if judgement_id is not None:
            if verb != "undo":
                fail("a judgement can be undone: stocktriage judgements ID undo")
            judging.undo(world, judgement_id, who(actor))
        rows = judging.judgement_rows(world, case_id)
        rows = [row for row in rows if judgement_id is None or row["judgement"] == judgement_id]
    print_rows(rows, as_json, JUDGEMENT_COLUMNS, "nobody has judged anything yet")


def audits(
    audit_id: Annotated[int | None, typer.Argument(metavar="[ID]", help="The audit to answer.")] = None,
    said: Annotated[str | None, typer.Argument(metavar="[SAID]", help=SAID)] = None,
    reason: Why = "",
    until: Until = None,
    within: Within = None,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Eight rows of yesterday that raised no alarm, drawn at random; with ID and SAID, answer one."""
    from api import judging

    with open_world(database) as world:
        if audit_id is not None:
            if said is None:
                fail(f"say what it is: {SAID}")
            ends, narrowed = parse_moment(until, world.clock()) if until else None, _narrowed(within)
            judging.judge(world, said, who(actor), audit_id=audit_id, reason=reason, until=ends, within=narrowed)
        rows = judging.audit_rows(world)
    print_rows(rows, as_json, AUDIT_COLUMNS, "no audits today: nothing was scored yesterday")


def expected(
    ended: Annotated[bool, typer.Option("--ended", help="What has ended, too.")] = False,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """What is expected and raises no case until it ends; `judgements ID undo` ends it at once."""
    from api import judging

    with open_world(database) as world:
        rows = judging.expected_rows(world, ended)
    print_rows(rows, as_json, EXPECTED_COLUMNS, "nothing is expected")


def anomalies(
    sku: Annotated[str | None, typer.Option()] = None,
    location: Annotated[str | None, typer.Option()] = None,
    channel: Annotated[str | None, typer.Option()] = None,
    suppressed: Annotated[
        bool | None, typer.Option("--suppressed/--raised", help="Only what was kept off the list, or only the rest.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 20,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """What was found strange, the newest first, in a case or kept off the list."""
    from api import judging

    with open_world(database) as world:
        rows = judging.anomaly_rows(world, sku, location, channel, suppressed, limit)
    print_rows(rows, as_json, ANOMALY_COLUMNS, "nothing was found strange")


def detection(
    kind: Annotated[str | None, typer.Argument(help="delta or movement; both are listed without.")] = None,
    accept: Annotated[
        str | None, typer.Argument(help="False alarms you accept from now on: 10% of alarms, or 5 a day.")
    ] = None,
    reason: Why = "",
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """How many false alarms are accepted, and whether that promise holds; with KIND and ACCEPT, set that."""
    from api import judging

    with open_world(database) as world:
        if kind is not None and accept is not None:
            if not reason.strip():
                fail("setting it needs --reason")
            judging.say_accepted(world, kind, accept, who(actor), reason)
        rows = [row for row in judging.detection_rows(world) if kind in (None, row["kind"])]
    if not as_json:
        for row in rows:
            row["accepts"] = f"{row['a_day']:g} a day" if row["a_day"] is not None else f"{row['share']:.3g} of alarms"
            row["promise"] = "suspended: habits have changed" if row["guarantee_suspended"] else "holds"
    print_rows(rows, as_json, DETECTION_COLUMNS, f"there is no kind {kind}; there are delta and movement")


def _narrowed(within: str | None) -> tuple[str, ...] | None:
    return tuple(one.strip() for one in within.split(",") if one.strip()) if within else None
