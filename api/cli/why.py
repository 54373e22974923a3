"""Why a case stands where it does, and why something is not on the list."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.session import AsJson, Database, cell, open_world, print_json_lines, print_table

if TYPE_CHECKING:
    from core_sync.cases.whereabouts import RankTerms


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(why)


def why(
    sku: Annotated[str | None, typer.Argument(metavar="[SKU]", help="Where its troubles are.")] = None,
    case_id: Annotated[int | None, typer.Option("--case", help="Why this case stands where it does.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only of this listing.")] = None,
    location: Annotated[str | None, typer.Option(help="Only of this place.")] = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Why a SKU or listing is on the worklist or is not; with --case, the terms of that case's rank."""
    from dataclasses import asdict

    from api.why import why_not
    from core_sync.cases.feed import read_feed_case
    from core_sync.cases.whereabouts import rank_terms

    if (sku is None) == (case_id is None):
        raise typer.BadParameter("say a SKU, or --case ID")
    with open_world(database) as world, world.database.reading() as connection:
        at = world.clock()
        if sku is not None:
            rows = [asdict(one) for one in why_not(connection, at, sku, channel, location)]
            if as_json:
                print_json_lines(rows)
            else:
                print_table(rows, {"where": "where", "case": "case", "title": "", "why": "why"})
            return
        terms = rank_terms(connection, read_feed_case(connection, case_id or 0, at))
    print_json_lines([asdict(terms)]) if as_json else _print(terms)


def _print(terms: "RankTerms") -> None:
    money = terms.currency or ""
    lines = {"ranked as": f"{terms.ranked_as:,.2f} {money}"}
    if terms.override is not None:
        lines["said by a person"] = f"{terms.override:,.2f} {money} ({terms.override_reason})"
    if terms.expected_loss is not None:
        exposure = f" = {terms.fault_probability:.0%} × {terms.exposure:,.2f}" if terms.exposure is not None else ""
        lines["expected loss"] = f"{terms.expected_loss:,.2f} {money}{exposure}"
    if terms.raised_by > 1.0:
        before = f"{terms.recurrences} times, {terms.recurrences_there} others of its cause at its location"
        lines["came back"] = f"{before}: × {terms.raised_by:.1f}"
    if terms.time_to_harm_h is not None:
        lines["time to harm"] = f"{cell(terms.time_to_harm_h)} h; decides between equals"
    for name, beside in (("above it", terms.above), ("below it", terms.below)):
        if beside is not None:
            lines[name] = f"case {beside.case} with {beside.ranked_as:,.2f}: {beside.title}"
    for name, said in lines.items():
        print(f"  {name:<18} {said}")
