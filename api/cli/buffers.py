"""Buffers: recommend, apply, compare, take back, backtest; and the last weeks again with another buffer or model."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.session import Actor, AsJson, Database, fail, open_world, print_rows, who

if TYPE_CHECKING:
    from api.wiring import World

group = typer.Typer(
    help="How much a channel should hold back: recommend, apply, compare, rollback, backtest.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

COLUMNS = {
    "sku": "sku", "channel": "channel", "buffer": "buffer", "current": "now", "expected_oversell_rate": "oversell rate",
    "expected_lost_units": "lost units", "reason": "why",
}  # fmt: skip
TERM_COLUMNS = {"term": "term", "value": "value", "unit": "unit", "basis": "basis", "note": "note"}
APPLIED_COLUMNS = {
    "sku": "sku", "channel": "channel", "buffer": "buffer", "current": "was", "outcome": "outcome",
    "change_value": "worth", "valid_until": "until", "reason": "why",
}  # fmt: skip
TARGET_COLUMNS = {
    "channel": "channel", "sku": "sku", "oversell_rate": "accepted", "oversold": "oversold", "asked": "of asked",
    "weight": "an oversell counts", "kept": "kept", "left_to_people": "left to people",
    "owner": "owner", "reason": "why",
}  # fmt: skip
REPLAY_COLUMNS = {
    "channel": "channel", "buffer": "buffer", "oversold": "oversold", "lost": "lost", "asked": "asked for",
    "days": "days",
}  # fmt: skip

MODEL_REPLAY_COLUMNS = {
    "live": "decided now", "candidate": "by the candidate", "failures": "failures", "cases": "cases",
    "at_stake": "at stake", "currency": "", "action": "action", "action_instead": "instead",
}  # fmt: skip

Sku = Annotated[str | None, typer.Option(help="Only this SKU.")]
Channel = Annotated[str | None, typer.Option(help="Only this channel.")]
Target = Annotated[float | None, typer.Option(help="Oversells per unit asked that are accepted, e.g. 0.005.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group.command("recommend")(recommend)
    group.command("apply")(apply)
    group.command("compare")(compare)
    group.command("rollback")(rollback)
    group.command("target")(target_)
    group.command("backtest")(backtest)
    app.add_typer(group, name="buffers")
    app.command()(replay)


def recommend(
    out: Annotated[Path | None, typer.Argument(metavar="[OUT]", help="Write them to this file too.")] = None,
    sku: Sku = None,
    channel: Channel = None,
    target: Target = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Recommend a buffer for every SKU on every channel; of one --sku with each term behind it."""
    with open_world(database) as world:
        rows = _recommended(world, sku, channel, target)
    if out is not None:
        from api.shapes import to_json
        from core_sync.interchange.writing import write_rows

        write_rows(
            out, [{**row, "terms": to_json(row["terms"]).decode(), "lacked": "; ".join(row["lacked"])} for row in rows]
        )
    print_rows(rows, as_json, COLUMNS, "no SKU with known stock on any channel")
    if sku is not None and not as_json:
        for row in rows:
            print(f"\n{row['sku']} on {row['channel']}: {row['reason']}\n")
            terms = [{"term": name.replace("_", " "), **term} for name, term in row["terms"].items()]
            print_rows(terms, as_json, TERM_COLUMNS)


def apply(
    sku: Sku = None,
    channel: Channel = None,
    target: Target = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Also changes worth more than the approval limit (with --sku).")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Put the recommended buffers in force until their end; listings follow. Large changes wait for --approve."""
    from api.recommendations import Wanted, apply_rows

    with open_world(database) as world:
        done = apply_rows(world, Wanted(sku, channel, target), who(actor), approved=approve, dry_run=dry_run)
    changed = [row for row in done if row["outcome"] != "unchanged"]
    print_rows(changed, as_json, APPLIED_COLUMNS, "every buffer is as recommended")


def compare(
    sku: Sku = None, channel: Channel = None, target: Target = None, as_json: AsJson = False, database: Database = None
) -> None:
    """Buffers in force, before and recommended, each with the oversells and lost units expected of it."""
    from api.recommendations import Wanted, compare_rows

    with open_world(database) as world:
        rows = compare_rows(world, Wanted(sku, channel, target))
    print_rows(rows, as_json, empty="no SKU with known stock on any channel")


def rollback(
    sku: Annotated[str, typer.Argument(help="Of which SKU.")],
    channel: Annotated[str, typer.Argument(help="On which channel.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    to: Annotated[
        int | None, typer.Option(help="Version to go back to; left out: the one before, further back each time.")
    ] = None,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Put an earlier buffer in force again, as a new version; prints all versions."""
    from core_sync.availability.buffers import buffer_versions, roll_back_buffer

    with open_world(database) as world, world.database.transaction() as connection:
        roll_back_buffer(connection, sku, channel, who(actor), reason, world.clock(), to)
        rows = [asdict(one) for one in buffer_versions(connection, sku, channel, world.clock())]
    print_rows(rows, as_json)


def target_(
    rate: Annotated[float | None, typer.Argument(help="Oversells per unit asked; left out: show what is set.")] = None,
    channel: Channel = None,
    sku: Sku = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Let the service apply what is recommended, within the limits; what people set it leaves."
        ),
    ] = False,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Accept a rate of oversells, or show those accepted with what came true; the service steers towards them."""
    from api.recommendations import target_rows

    with open_world(database) as world:
        if rate is not None:
            from ml.buffers.targets import set_target

            with world.database.transaction() as connection:
                set_target(connection, rate, who(actor), reason, world.clock(), channel or "", sku or "", kept=keep)
        rows = target_rows(world)
    print_rows(rows, as_json, TARGET_COLUMNS, "no rate is set: 0.005 oversells per unit asked hold for all")


def backtest(
    channel: Channel = None,
    days: Annotated[int, typer.Option(min=6, help="Days of history; the first half is for learning.")] = 28,
    refresh_h: Annotated[float, typer.Option(min=0.25, help="Hours between two refreshes of the channel.")] = 4.0,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Oversells against lost sales on past demand: ours beside fixed units, a share of stock, and safety stock.

    Of more than 2,000 SKUs that many are drawn.
    """
    from api.jobs.buffer_replay import oversell_frontier
    from core_sync.availability.promises import channel_names

    with open_world(database) as world, world.database.reading() as connection:
        channels = [channel] if channel is not None else list(channel_names(connection))
        rows = [
            asdict(point)
            for one in channels
            for point in oversell_frontier(connection, one, world.clock(), days, refresh_h)
        ]
    if as_json:
        print_rows(rows, as_json)
    else:
        print("sales withheld of what was asked, at each share that is oversold:")
        print_rows(_by_way(rows), as_json, empty="there is no channel")


def _by_way(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a channel and way, one column an oversell rate."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in rows:
        told = {name: one[name] for name in ("channel", "way", "days", "items")}
        lost = "not reached" if one["lost_rate"] is None else f"{100 * one['lost_rate']:.3g} %"
        found.setdefault((one["channel"], one["way"]), told)[f"{100 * one['oversell_rate']:g} %"] = lost
    return list(found.values())


def replay(
    buffer: Annotated[list[int] | None, typer.Option(min=0, help="Hold back so many units (repeatable).")] = None,
    model: Annotated[str | None, typer.Option(help="Classify failures again with this trained version.")] = None,
    channel: Channel = None,
    days: Annotated[int, typer.Option(min=6, help="How many days back.")] = 28,
    refresh_h: Annotated[float, typer.Option(min=0.25, help="Hours between two refreshes of the channel.")] = 4.0,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Play the last weeks again: with another buffer (--buffer 0 --buffer 5), or another root-cause model (--model)."""
    if model is None and not buffer:
        fail("say what to replay with: --buffer UNITS or --model VERSION")
    with open_world(database) as world:
        if model is not None:
            rows = _with_model(world, model, days)
            print_rows(rows, as_json, MODEL_REPLAY_COLUMNS, "no failures in that time")
        if buffer:
            print_rows(_with_buffers(world, buffer, channel, days, refresh_h), as_json, REPLAY_COLUMNS, "no channel")


def _recommended(world: "World", sku: str | None, channel: str | None, target: float | None) -> list[dict[str, Any]]:
    from api.recommendations import Wanted, recommendation_rows

    return recommendation_rows(world, Wanted(sku, channel, target))


def _with_buffers(
    world: "World", buffers: list[int], channel: str | None, days: int, refresh_h: float
) -> list[dict[str, Any]]:
    from api.jobs.buffer_replay import replay_buffers
    from core_sync.availability.promises import channel_names

    with world.database.reading() as connection:
        channels = [channel] if channel is not None else list(channel_names(connection))
        return [
            asdict(one)
            for name in channels
            for one in replay_buffers(connection, name, buffers, world.clock(), days, refresh_h)
        ]


def _with_model(world: "World", version: str, days: int) -> list[dict[str, Any]]:
    from api.candidates import candidate_folder
    from api.jobs.model_replay import replay_classifier

    return [asdict(one) for one in replay_classifier(world, candidate_folder(world, "root_cause", version), days)]
