"""The service: all in one process, or a role a process; and what is misconfigured."""

from typing import Annotated

import typer

from api.cli.session import FAILED, AsJson, Database, fail, open_world, print_json_lines, print_rows


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (up, serve, worker, doctor):
        app.command()(command)


Host = Annotated[str | None, typer.Option(help="Address to listen on; anything but loopback needs a token.")]
Port = Annotated[int | None, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")]


def up(
    host: Host = None,
    port: Port = None,
    sample: Annotated[
        bool | None, typer.Option("--sample/--no-sample", help="Fill an empty database with the sample distributor.")
    ] = None,
    database: Database = None,
) -> None:
    """The whole service in one process on the embedded database; prints the address and the top of the feed."""
    from api.serving import run_everything
    from core_sync.settings import read_settings

    run_everything(read_settings(database_url=database, host=host, port=port, sample=sample), say=_say)


def serve(host: Host = None, port: Port = None, database: Database = None) -> None:
    """HTTP only: the API and the console. Run workers beside it."""
    from api.serving import run_http
    from core_sync.settings import read_settings

    run_http(read_settings(database_url=database, host=host, port=port), say=_say)


def worker(
    role: Annotated[
        str,
        typer.Argument(
            help="triage, notice, score, publish, prove, expect, sweep, learn, challenge, watch, retrain, replay, "
            "steer or remedy."
        ),
    ],
    once: Annotated[bool, typer.Option("--once", help="One round, then stop.")] = False,
    database: Database = None,
) -> None:
    """One role as a process of its own."""
    from api.jobs.rounds import ROLES
    from api.serving import run_worker
    from core_sync.settings import read_settings

    if role not in ROLES:
        fail(f"there is no role {role}; there are {', '.join(ROLES)}")
    told = run_worker(read_settings(database_url=database), role, once)
    if told is not None:
        print_json_lines([told])


def doctor(as_json: AsJson = False, database: Database = None) -> None:
    """What is misconfigured, and how to mend it; every setting with its value, secrets hidden."""
    from api.checks import examine
    from core_sync.settings import PREFIX, Settings

    with open_world(database) as world:
        checks = examine(world)
        shown = world.settings.shown()
    rows = [
        {"check": one.check, "fine": one.fine, "found": one.found, "mend": "" if one.fine else one.mend}
        for one in checks
    ]
    if as_json:
        print_json_lines([*rows, {"settings": shown}])
    else:
        print_rows(rows, False, {"check": "check", "fine": "fine", "found": "found", "mend": "how to mend it"})
        print()
        told = [
            {"name": f"{PREFIX}{name.upper()}", "value": value, "what": Settings.model_fields[name].description}
            for name, value in shown.items()
        ]
        print_rows(told, False, {"name": "setting", "value": "value", "what": "what it is"})
    if not all(one.fine for one in checks):
        raise typer.Exit(FAILED)


def _say(line: str) -> None:
    print(line, flush=True)
