"""One case on a terminal."""

from collections.abc import Mapping
from typing import Any

from api.cli.session import cell, print_table
from api.exposure_terms import figure_and_unit
from core_sync.cases.rules import ON_THE_LIST

Told = Mapping[str, Any]

_SHOWN_CHANGES = (
    "status", "owner", "root_cause", "expected_loss", "override_root_cause", "override_rank", "snoozed_until",
    "snoozed_above", "snoozed_stock_below",
)  # fmt: skip


def print_case(case: Told) -> None:
    """Print everything that ``case`` (as the API tells it) says."""
    print(f"case {case['case']}: {case['title'] or 'not weighed yet'}")
    for label, value in _head(case).items():
        if value:
            print(f"  {label:<20} {value}")
    if case["exposure_terms"]:
        print("\nexposure")
        for name, told in case["exposure_terms"].items():
            _print_terms(name, told)
    if case["reasons"]:
        print("\nwhy")
        for reason in case["reasons"]:
            print(f"  - {reason}")
    _print_evidence(case)
    if case["runs"]:
        print("\nactions")
        for run in case["runs"]:
            print(
                f"  run {run['run']}  {run['action']}  {run['status']}: "
                f"{run['plan']['summary']}; {run['outcome'] or run['why']}"
            )
    print("\ntimeline")
    for entry in case["timeline"]:
        change = _change(entry) if entry["verb"] != "undo" else ""
        told = "; ".join(part for part in (change, entry["note"]) if part)
        undone = " (undone)" if entry["undone"] else ""
        print(f"  {entry['entry']:>6}  {cell(entry['at'])}  {entry['actor']}: {entry['verb']}{undone}  {told}".rstrip())


def _head(case: Told) -> dict[str, str]:
    cause = case["root_cause"] + (f" / {case['subclass']}" if case["subclass"] else "")
    if case["probability"] is not None:
        cause += f" ({case['probability']:.0%})"
    if case["abstained"]:
        cause += ", but the evidence does not decide"
    override = case["override"]
    if override is not None and override["root_cause"]:
        cause = f"{case['root_cause']} ({_said(override)}); the model says {case['model_root_cause']}"
    currency = case["currency"] or ""
    loss = f"{cell(case['expected_loss'])} {currency}".strip() if case["expected_loss"] is not None else "not known"
    if case["exposure"] is not None:
        loss += f" = {case['fault_probability']:.0%} × {cell(case['exposure'])} {currency}"
    if override is not None and override["expected_loss"] is not None:
        loss += f"; ranked as {cell(override['expected_loss'])} {currency} ({_said(override)})"
    stands = f", rank {case['rank']}" if case["status"] in ON_THE_LIST else ""
    harm = f"{case['time_to_harm_h']:.1f} h" if case["time_to_harm_h"] is not None else ""
    return {
        "status": case["status"] + stands + (f": {case['resolution']}" if case["resolution"] else ""),
        "root cause": cause,
        "expected loss": loss,
        "time to harm": harm,
        "recommended": f"{case['recommended_action']} ({case['autonomy']})" if case["recommended_action"] else "",
        "owner": case["owner"] or "",
        "SKUs": cell(case["skus"]),
        "locations": cell(case["locations"]),
        "channels": cell(case["channels"]),
        "opened": cell(case["opened_at"]) + " UTC",
        "snoozed until": _wakes(case),
        "models": ", ".join(f"{name} {version}" for name, version in case["model_versions"].items()),
    }


def _said(override: Told) -> str:
    """Why a person says otherwise, and how long that holds."""
    until = f"until {cell(override['until'])} UTC" if override["until"] is not None else "until taken back"
    return f"{override['reason']}, {until}"


def _wakes(case: Told) -> str:
    waits = [cell(case["snoozed_until"]) + " UTC"] if case["snoozed_until"] is not None else []
    if case["snoozed_above"] is not None:
        waits.append(f"exposure above {cell(case['snoozed_above'])} {case['currency'] or ''}".rstrip())
    if case["snoozed_stock_below"] is not None:
        waits.append(f"fewer than {cell(case['snoozed_stock_below'])} units available")
    return " or ".join(waits)


def _print_evidence(case: Told) -> None:
    print(f"\nsignals ({case['signals']}): {case['grouped']}")
    rows = []
    for one in case["evidence"][:20]:
        told = one["told"] or {}
        rows.append(
            {
                "signal": one["signal"],
                "kind": one["kind"],
                "when": told.get("occurred_at"),
                "sku": told.get("sku"),
                "where": told.get("channel") or told.get("location") or told.get("system"),
                "what": told.get("message") or ", ".join(told.get("reasons", [])),
                "over": "yes" if told.get("resolved_at") or told.get("settled_at") else "",
            }
        )
    if rows:
        print_table(rows, {name: name for name in rows[0]})


def _change(entry: Told) -> str:
    shown = [
        f"{name.replace('_', ' ')} {cell(entry['before'].get(name)) or '–'} → {cell(after) or '–'}"
        for name, after in entry["after"].items()
        if name in _SHOWN_CHANGES and entry["before"].get(name) != after
    ]
    return ", ".join(shown)


def _print_terms(name: str, told: Told) -> None:
    """What one listing costs, a term a line; or one figure that stands by itself."""
    by_itself = "value" in told
    terms = {name: told} if by_itself else {term: said for term, said in told.items() if isinstance(said, dict)}
    if not by_itself:
        print(f"  {name}: {told.get('why', '')}".rstrip(": "))
    labels = [term.replace("_", " ") for term in terms]
    shown = [figure_and_unit(said) for said in terms.values()]
    figures, units = [value for value, _ in shown], [unit for _, unit in shown]
    wide, far, broad = (max(map(len, column), default=0) for column in (labels, figures, units))
    for label, value, unit, said in zip(labels, figures, units, terms.values(), strict=True):
        known = f"{said['basis']}: {said['note']}" if said.get("note") else said["basis"]
        print(f"    {label:<{wide}}  {value:>{far}}  {unit:<{broad}}  {known}")
