"""Files in and out: load, ingest, simulate, export, classify, score."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.session import DONE, REJECTED, AsJson, Database, fail, open_world, print_json_lines

if TYPE_CHECKING:
    from core_sync.intake.summary import IngestSummary
    from core_sync.interchange.profile_rules import SourceProfile

NAMED_MAX = 50
"""Rows named one by one on a terminal; --json and --rejected name them all."""

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="A .csv, .jsonl or .parquet file.")]
Profile = Annotated[str | None, typer.Option("--profile", help="A source profile: its name, or a TOML file.")]
Rejected = Annotated[
    Path | None, typer.Option("--rejected", help="Write the rejected rows here, to be corrected and sent again.")
]


class Sample(StrEnum):
    """Which simulated distributor."""

    SAMPLE = "sample"
    CLEAN = "clean"
    TRAINING = "training"
    HELD_OUT = "held-out"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (load, ingest, simulate, export, classify, score):
        app.command()(command)


def load(
    table: Annotated[
        str,
        typer.Argument(
            help="skus, uom, aliases, kits, locations, safety_stock, rates, channels, cut_offs, tiers, accounts, "
            "suppliers, deliveries, snapshots, orders, failures; docs/master-data.md has their columns."
        ),
    ],
    files: Files,
    profile: Profile = None,
    rejected: Rejected = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Load master data, snapshots, failures or deliveries from files."""
    from core_sync.intake.load import load_files

    with open_world(database) as world, world.ledger() as ledger:
        profiled = _profile(profile)
        summary = load_files(ledger, table, files, world.clock(), profiled)
    _close(summary, profiled, rejected, as_json)


def ingest(
    files: Files,
    profile: Profile = None,
    rejected: Rejected = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Ingest events from files. Sent again, the same file changes nothing and says so."""
    from core_sync.intake.ingest import ingest_files

    with open_world(database) as world, world.ledger() as ledger:
        profiled = _profile(profile)
        summary = ingest_files(ledger, files, world.clock, profiled, _progress())
    _close(summary, profiled, rejected, as_json)


def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; it is made if needed.")],
    world: Annotated[Sample, typer.Option(help="Which distributor.")] = Sample.SAMPLE,
    seed: Annotated[int | None, typer.Option(help="Another seed than the world's own.")] = None,
    days: Annotated[int | None, typer.Option(min=1)] = None,
    skus: Annotated[int | None, typer.Option(min=1)] = None,
    until: Annotated[
        str | None, typer.Option(help="End at the last snapshot before this moment; 'now' for a world that ends today.")
    ] = None,
    extension: Annotated[str, typer.Option(help=".csv, .jsonl or .parquet")] = ".csv",
    as_json: AsJson = False,
) -> None:
    """Write a simulated distributor's files, and the truth behind them as truth_*.csv."""
    from core_sync.clock import now
    from simulation.distributor import simulate as run
    from simulation.scenario import CLEAN, HELD_OUT, SAMPLE, TRAINING, ending_at
    from simulation.write import write_world

    scenario = {Sample.SAMPLE: SAMPLE, Sample.CLEAN: CLEAN, Sample.TRAINING: TRAINING, Sample.HELD_OUT: HELD_OUT}[world]
    scenario = replace(scenario, seed=seed or scenario.seed, days=days or scenario.days, skus=skus or scenario.skus)
    if until is not None:
        scenario = ending_at(scenario, now() if until == "now" else _moment(until))
    try:
        written = write_world(run(scenario), folder, extension)
    except ValueError as error:
        fail(str(error))
    rows = [{"file": str(folder / name), "rows": count} for name, count in written.items()]
    if as_json:
        print_json_lines(rows)
    else:
        print(f"{len(rows)} files in {folder}, {sum(written.values()):,} rows; seed {scenario.seed}, "
              f"{scenario.start:%Y-%m-%d %H:%M} to {scenario.end:%Y-%m-%d %H:%M} UTC")  # fmt: skip


def export(
    table: Annotated[str, typer.Argument(help="Any table of 'stocktriage export --list'.")] = "",
    file: Annotated[Path | None, typer.Argument(help="Where to write it: .csv, .jsonl or .parquet.")] = None,
    list_tables: Annotated[bool, typer.Option("--list", help="Name every table that can be written.")] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(help="The moment (UTC) that training-set is told of; now if left out."),
    ] = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Write any table to a file: those of the interchange formats, positions, the feed, the ledger."""
    from api.exports import EXPORTS, export_table
    from api.models import training_digest

    if list_tables or not table or file is None:
        names = [{"table": name, "holds": told.holds} for name, told in EXPORTS.items()]
        if as_json:
            print_json_lines(names)
        else:
            for row in names:
                print(f"{row['table']:<12} {row['holds']}")
        if not list_tables:
            fail("say which table, and the file to write it to")
        return
    with open_world(database) as world:
        moment = world.clock() if as_of is None else as_of.replace(tzinfo=UTC)
        count = export_table(world.database, table, file, moment)
        digest = training_digest(world, moment) if table == "training-set" else None
    closing = {"table": table, "file": str(file), "rows": count, **({"digest": digest} if digest else {})}
    if as_json:
        print_json_lines([closing])
    else:
        print(f"{count:,} rows of {table} in {file}" + (f", digest {digest}" if digest else ""))


def classify(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Failures: .csv, .jsonl or .parquet.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The same rows with root causes.")],
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Tell the root cause of every failure in a file: root_cause, probability, abstained, subclass, reasons."""
    from dataclasses import asdict

    from ml.root_cause.files import classify_file

    with open_world(database) as world:
        report = classify_file(source, target, world.models.root_cause)
    for row in report.refused:
        print(row, file=sys.stderr)
    told = asdict(report) | {"refused": len(report.refused)}
    if as_json:
        print_json_lines([told])
    else:
        print(f"{target}: " + ", ".join(f"{name} {value}" for name, value in told.items()))
    raise typer.Exit(REJECTED if report.refused else DONE)


def score(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Deltas or events, told by their columns.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="One row for each, with its score.")],
    profile: Profile = None,
    features: Annotated[
        str, typer.Option(help="For events: movement, stream, document or priced features.")
    ] = "stream",
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Score how strange each row of a file is, by what was known at its time: score, p_value, anomalous, reasons."""
    from dataclasses import asdict

    from ml.anomaly.files import score_file
    from ml.anomaly.specification import MOVEMENTS

    if features not in MOVEMENTS:
        raise typer.BadParameter(f"--features {features} is no set; there are {', '.join(MOVEMENTS)}")
    with open_world(database) as world:
        models = world.models
        detectors = {
            "delta": models.delta_detector, "movement": models.movement_detector, "stream": models.movement_detector
        }  # fmt: skip
        report = score_file(source, target, detectors, _profile(profile), features=features)
    told = asdict(report)
    if as_json:
        print_json_lines([told])
    else:
        print(f"{target}: " + ", ".join(f"{name} {value}" for name, value in told.items()))


def _profile(name: str | None) -> "SourceProfile":
    from core_sync.interchange.profile import load_profile
    from core_sync.interchange.profile_rules import INTERCHANGE

    return INTERCHANGE if name is None else load_profile(name)


def _progress() -> Callable[[int], None] | None:
    """Tell on a terminal how far it is; nowhere else."""
    if not sys.stderr.isatty():
        return None

    def tell(done: int) -> None:
        print(f"\r{done:,} rows", end="", file=sys.stderr, flush=True)

    return tell


def _moment(said: str) -> datetime:
    from api.cli.session import parse_moment
    from core_sync.clock import now

    return parse_moment(said, now())


def _close(summary: "IngestSummary", profile: "SourceProfile", rejected: Path | None, as_json: bool) -> None:
    """Name what did not apply, print the closing object, and end with the exit code that says so."""
    from api.shapes import ingest_shape

    if rejected is not None and summary.refused_rows:
        from core_sync.interchange.writing import write_refused

        write_refused(rejected, summary.refused_rows, profile)
    if as_json:
        print_json_lines({"file": n.file, "row": n.row, "field": n.field, "reason": n.reason, "status": n.status,
                          "id": n.event} for n in summary.named)  # fmt: skip
        print_json_lines([ingest_shape(summary)])
    else:
        for named in summary.named[:NAMED_MAX]:
            print(f"{named.file} row {named.row} {named.status}, {named.field}: {named.reason}", file=sys.stderr)
        if len(summary.named) > NAMED_MAX:
            print(f"… and {len(summary.named) - NAMED_MAX:,} more; --json names them all", file=sys.stderr)
        shape = ingest_shape(summary)
        print(", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in shape.items()))
    raise typer.Exit(REJECTED if summary.rejected else DONE)
