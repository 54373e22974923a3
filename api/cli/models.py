"""Models: train, see which is live, promote, roll back."""

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from api.cli.session import Actor, AsJson, Database, open_world, print_json_lines, print_rows, who
from ml.registry.manifest import MODEL_NAMES

RELEASE_COLUMNS = {
    "name": "model", "version": "version", "role": "role", "since": "since (UTC)", "until": "until (UTC)",
    "released_by": "by", "reason": "why", "decided": "decisions", "headline": "measure", "value": "value",
    "drifted": "since it learned",
}  # fmt: skip

LABEL_COLUMNS = {
    "failure": "failure", "root_cause": "root cause", "subclass": "subclass", "source": "source", "case": "case",
    "actor": "by", "told_at": "told (UTC)", "ripe_at": "ripe (UTC)", "state": "state",
}  # fmt: skip

DRIFT_COLUMNS = {"what": "what", "value": "value", "before": "before", "says": "moved"}

RETRAINING_COLUMNS = {
    "begun_at": "begun (UTC)", "ended_at": "ended (UTC)", "reason": "because", "labels": "ripe labels",
    "version": "version", "outcome": "what came of it",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(train)
    app.command("models")(models)
    app.command()(promote)
    app.command()(rollback)
    app.command()(challenge)
    app.command()(labels)
    app.command()(drift)
    app.command()(retrainings)


def train(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(MODEL_NAMES)}.")],
    data: Annotated[Path | None, typer.Option(help="Failures of your own with a column root_cause.")] = None,
    seed: Annotated[int, typer.Option()] = 1,
    changed: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter of root_cause to change, as texts=80000; may be given several times."),
    ] = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Train a model, measure it against the live one, and keep it as a candidate.

    The root-cause classifier learns from every ripe label of this database too, supplier_lateness from its deliveries
    and fulfilment_latency from its orders alone.
    """
    from api.candidates import train_candidate
    from ml.root_cause.recipe import recipe_with

    recipe = recipe_with(dict(_assignment(one) for one in changed)) if changed else None
    started = perf_counter()

    def say(line: str) -> None:
        typer.echo(f"{perf_counter() - started:5.0f} s  {line}", err=True)

    with open_world(database) as world:
        told = train_candidate(world, name, seed, data, say, recipe)
    if as_json:
        print_json_lines([told])
        return
    print(f"{told['name']} {told['version']}")
    _print_measured(told)
    print(told["gate"])


def models(as_json: AsJson = False, database: Database = None) -> None:
    """Which version of each model was live, since when, what it reaches and how often it decided."""
    from api.models import model_rows

    with open_world(database) as world:
        rows = model_rows(world)
    if not as_json:
        rows = [{**row, "drifted": row["drift"] and row["drift"]["in_words"]} for row in rows]
    print_rows(rows, as_json, RELEASE_COLUMNS, "no models")


def promote(
    name: Annotated[str, typer.Argument(help="The model.")],
    version: Annotated[str | None, typer.Argument(help="A trained version; the newest if left out.")] = None,
    as_good_as: Annotated[
        bool, typer.Option("--as-good-as", help="Let it pass also where it is as good as the live one, not better.")
    ] = False,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Make a trained version the live one, if it passes the gate: measured here and now beside the live one."""
    from api.candidates import measured, promote_candidate

    with open_world(database) as world:
        promoted = promote_candidate(world, name, version, who(actor), as_good_as)
    manifest = promoted.manifest
    told = {"name": manifest.name, "version": manifest.version, "live": True, **measured(promoted.verdict)}
    if as_json:
        print_json_lines([told])
        return
    _print_measured(told)
    print(f"{manifest.name} {manifest.version} is live")


def rollback(
    name: Annotated[str, typer.Argument(help="The model.")],
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Make the version that was live before the present one live again.

    The first version of a model that learns from your own facts alone is withdrawn.
    """
    from api.candidates import roll_back

    with open_world(database) as world:
        manifest = roll_back(world, name, who(actor))
    told = {"name": name, "version": manifest.version if manifest else None, "live": manifest is not None}
    if as_json:
        print_json_lines([told])
    elif manifest is None:
        print(f"{name} is withdrawn: no version is live")
    else:
        print(f"{name} {manifest.version} is live again")


def challenge(
    version: Annotated[
        str | None, typer.Argument(help="A trained version of root_cause; the newest if left out.")
    ] = None,
    end: Annotated[bool, typer.Option("--end", help="Nobody answers beside the live version any more.")] = False,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Let a trained root-cause version answer beside the live one, which alone decides; see 'models'."""
    from api import challenge as challenges

    with open_world(database) as world:
        if end:
            challenges.end(world, who(actor))
        told = {"name": "root_cause", "challenger": None if end else challenges.challenge(world, version, who(actor))}
    if as_json:
        print_json_lines([told])
    else:
        print(
            "nobody answers beside it now"
            if end
            else f"root_cause {told['challenger']} answers beside the live version"
        )


def labels(
    most: Annotated[int, typer.Option(help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """What people and outcomes said of root causes: from where, by whom, and whether it may be trained on yet."""
    from api.models import label_rows

    with open_world(database) as world:
        rows = label_rows(world, most)
    print_rows(rows, as_json, LABEL_COLUMNS, "no labels yet: an override or a resolved case gives one")


def drift(
    days: Annotated[int, typer.Option(min=1, max=3_650, help="The last days.")] = 7,
    before: Annotated[
        int, typer.Option(min=1, max=3_650, help="The days before them that they are compared with.")
    ] = 28,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Whether evidence, causes told and calibration of the last days have moved away from the weeks before."""
    from api.watching import drift_now

    with open_world(database) as world:
        told = drift_now(world, days, before)
    if as_json:
        print_json_lines([told])
        return
    if told["too_few"]:
        print(told["too_few"])
        return
    print(f"{told['failures']:,} failures beside {told['failures_before']:,}, root_cause {told['version']}; "
          "an index below 0.1 is little, above 0.25 much")  # fmt: skip
    print_rows(told["moved"], False, DRIFT_COLUMNS, "nothing to compare")


def retrainings(as_json: AsJson = False, database: Database = None) -> None:
    """The trainings that the service began by itself, why, and what came of each."""
    from api.watching import retraining_rows

    with open_world(database) as world:
        rows = retraining_rows(world)
    print_rows(
        rows, as_json, RETRAINING_COLUMNS, "none yet: new labels bring one about, see RETRAIN_AFTER_LABELS in doctor"
    )


def _assignment(one: str) -> tuple[str, str]:
    name, equals, value = one.partition("=")
    if not equals:
        raise typer.BadParameter(f"{one} is not of the form NAME=NUMBER, as texts=80000", param_hint="--set")
    return name.strip(), value.strip()


def _print_measured(told: Mapping[str, Any]) -> None:
    for one in told["comparisons"]:
        beside = "" if one["champion"] is None else f", the live version {one['champion']:.3f}"
        rules = f"rules alone {one['rules']:.3f}"
        print(f"{one['measure']} {one['challenger']:.3f}{beside}, {rules}: {one['rows']} rows, {one['on']}")
        if one["difference"] is not None:
            low, high = one["difference_low"], one["difference_high"]
            print(f"  difference {one['difference']:+.3f}, 95 % of resamples between {low:+.3f} and {high:+.3f}")
