"""Publishing: how channels and listings stand, what was given up, what shadow would have sent."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from api.cli.session import AsJson, Database, open_world, print_json_lines, print_rows

CHANNELS = {
    "channel": "channel", "mode": "mode", "breaker": "breaker", "out_since": "out since (UTC)", "listings": "listings",
    "current": "current", "waiting": "waiting", "waiting_zeros": "zeros", "unconfirmed": "unconfirmed", "held": "held",
    "dead_letters": "dead letters", "p95_truth_s": "p95 truth (s)", "oldest_truth_s": "oldest truth (s)",
    "resting_until": "resting until (UTC)", "trouble": "trouble",
}  # fmt: skip
LISTINGS = {
    "channel": "channel", "sku": "sku", "state": "state", "quantity": "should show", "shown_quantity": "seen",
    "seen_at": "at (UTC)", "truth_age_s": "truth (s)", "goes": "goes as", "attempts": "tries",
    "not_before": "not before (UTC)", "dead_letter": "given up", "hold_reason": "held because",
}  # fmt: skip
LETTERS = {
    "channel": "channel", "sku": "sku", "quantity": "should show", "shown_quantity": "seen", "dead_letter": "class",
    "error_code": "code", "http_status": "status", "message": "the last answer", "attempts": "tries",
    "last_try_at": "at (UTC)",
}  # fmt: skip
SHADOW = {
    "channel": "channel", "day": "day (UTC)", "updates": "would send", "zeros": "zeros", "decreases": "decreases",
    "compared": "compared", "differing": "differing", "units_too_many": "units too many",
    "units_too_few": "units too few", "variance": "variance",
}  # fmt: skip

Channel = Annotated[str | None, typer.Option(help="Only this channel.")]
Sku = Annotated[str | None, typer.Option(help="Only this SKU.")]
Why = Annotated[str | None, typer.Option(help="Only this class: refused, unlisted or no_answer.")]
Code = Annotated[str | None, typer.Option(help="Only where the last answer had this error code.")]
Count = Annotated[int | None, typer.Option(min=1, help="How many; 20 on a terminal, all with --json.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (channels, outbox, requeue, shadow):
        app.command()(command)


def channels(
    channel: Annotated[str | None, typer.Argument(metavar="[CHANNEL]", help="Whose mode to set.")] = None,
    mode: Annotated[str | None, typer.Argument(metavar="[MODE]", help="shadow, pilot or live.")] = None,
    pilot_sku: Annotated[
        list[str] | None, typer.Option(help="A SKU that a pilot pushes (repeatable); without it those it has.")
    ] = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """How each channel stands: mode, breaker, backlog, freshness, dead letters; with a MODE, put it into that."""
    from core_sync.outbox.modes import Mode, set_mode
    from core_sync.outbox.standing import channel_standings

    if mode is not None and mode not in set(Mode):
        raise typer.BadParameter(f"{mode} is no mode; there are {', '.join(Mode)}")
    with open_world(database) as world:
        if channel is not None and mode is not None:
            with world.database.transaction() as connection:
                before = set_mode(connection, channel, Mode(mode), pilot_sku)
            told = {"channel": channel, "before": before.value, "mode": mode}
            print_json_lines([told]) if as_json else print(f"{channel}: {before} → {mode}")
            return
        with world.database.reading() as connection:
            rows = [asdict(one) for one in channel_standings(connection, world.clock())]
    print_rows([row for row in rows if channel in (None, row["channel"])], as_json, CHANNELS, "no channels")


def outbox(
    channel: Channel = None,
    state: Annotated[
        str | None, typer.Option(help="Only this state: pending, sent, accepted, visible, failed or held.")
    ] = None,
    sku: Sku = None,
    limit: Count = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """What each listing should show, what it was last seen to show, and how old its truth is."""
    from core_sync.outbox.standing import listing_standings

    count = limit if limit is not None or as_json else 20
    with open_world(database) as world, world.database.reading() as connection:
        found = listing_standings(connection, world.clock(), channel, state, sku, count)
        print_rows((asdict(one) for one in found), as_json, LISTINGS, "no listings")


def requeue(
    channel: Channel = None,
    why: Why = None,
    code: Code = None,
    sku: Sku = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what it would push again.")] = False,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Push again what was given up, by class, with the values it should show by now."""
    from core_sync.outbox.dead_letters import Selection, dead_letters, replay
    from core_sync.outbox.rules import DeadLetter

    if why is not None and why not in set(DeadLetter):
        raise typer.BadParameter(f"{why} is no class of dead letters; there are {', '.join(DeadLetter)}")
    which = Selection(channel, DeadLetter(why) if why is not None else None, code, sku)
    with open_world(database) as world:
        if dry_run:
            with world.database.reading() as connection:
                rows = [asdict(one) for one in dead_letters(connection, which)]
            print_rows(rows, as_json, LETTERS, "no dead letters")
            return
        with world.database.transaction() as connection:
            count = replay(connection, which)
    print_json_lines([{"requeued": count}]) if as_json else print(f"{count:,} listing(s) are due again")


def shadow(
    days: Annotated[int, typer.Option(min=1, help="How many days back.")] = 7,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """What channels in shadow were not sent, by day, and how far that was from what they showed."""
    from core_sync.outbox.shadow import shadow_days

    with open_world(database) as world, world.database.reading() as connection:
        at = world.clock()
        rows = [asdict(one) for one in shadow_days(connection, at - timedelta(days=days), at + timedelta(seconds=1))]
    print_rows(rows, as_json, SHADOW, "nothing was compared in shadow")
