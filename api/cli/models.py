"""Models: train, see which is live, promote, roll back."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.session import Actor, AsJson, Database, open_world, print_json_lines, print_rows, who

RELEASE_COLUMNS = {
    "name": "model", "version": "version", "live": "live", "since": "since (UTC)", "until": "until (UTC)",
    "released_by": "by", "reason": "why", "decided": "decisions", "headline": "measure", "value": "value",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(train)
    app.command("models")(models)
    app.command()(promote)
    app.command()(rollback)


def train(
    name: Annotated[str, typer.Argument(help="root_cause, delta_detector or movement_detector.")],
    data: Annotated[Path | None, typer.Option(help="Failures of your own with a column root_cause.")] = None,
    seed: Annotated[int, typer.Option()] = 1,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Train a model, measure it against the live one, and keep it as a candidate."""
    from api.models import train_candidate

    with open_world(database) as world:
        told = train_candidate(world, name, seed, data, lambda line: typer.echo(line, err=True))
    if as_json:
        print_json_lines([told])
        return
    champion = told["champion_value"]
    beside = f", the live one has {champion:.3f}" if champion is not None else ""
    print(f"{told['name']} {told['version']}: {told['headline']} {told['value']:.3f}{beside}")
    print(told["gate"])


def models(as_json: AsJson = False, database: Database = None) -> None:
    """Which version of each model was live, since when, what it reaches and how often it decided."""
    from api.models import model_rows

    with open_world(database) as world:
        rows = model_rows(world)
    print_rows(rows, as_json, RELEASE_COLUMNS, "no models")


def promote(
    name: Annotated[str, typer.Argument(help="The model.")],
    version: Annotated[str | None, typer.Argument(help="A trained version; the newest if left out.")] = None,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Make a trained version the live one, if it passes the gate."""
    from api.models import promote_candidate

    with open_world(database) as world:
        manifest = promote_candidate(world, name, version, who(actor))
    told = {"name": manifest.name, "version": manifest.version, "live": True}
    print_json_lines([told]) if as_json else print(f"{manifest.name} {manifest.version} is live")


def rollback(
    name: Annotated[str, typer.Argument(help="The model.")],
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Make the version that was live before the present one live again."""
    from api.models import name_in_mlflow
    from ml.registry.promotion import rollback as back

    with open_world(database) as world:
        with world.database.transaction() as connection:
            manifest = back(connection, name, who(actor), world.clock())
        name_in_mlflow(world, manifest)
    told = {"name": manifest.name, "version": manifest.version, "live": True}
    print_json_lines([told]) if as_json else print(f"{manifest.name} {manifest.version} is live again")
