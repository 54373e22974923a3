"""The failures that systems report: a message, and evidence, some of which was not recorded."""

import json
from typing import Any

from simulation.faults.wording import Template, templates
from simulation.running import Running
from simulation.scenario import CHANNELS, LOCATIONS
from simulation.world import Fault

_REPORTS_MAX = 4
_REPORTS_MAX_WIDE = 14
_HIDEABLE = (
    "operation", "http_status", "error_code", "attempts", "latency_ms", "event_lag_s", "reservation_age_s",
    "duplicate_of", "mapping_candidates", "document", "location",
)  # fmt: skip
_LATENCY_MS = {"timeout": (10_000, 60_000), "outage": (5, 4000), "rate_limit": (30, 400)}
_ATTEMPTS = {"timeout": (2, 7), "outage": (2, 9), "rate_limit": (1, 6), "late_confirmation": (1, 4)}


def report(running: Running, fault: Fault, *, sku: int | None, **known: Any) -> None:
    """A system reports a fault, unless it is a silent one or has been told of often enough.

    ``known``: channel, location (indices), document, line, quantity, external, uom, event, reservation,
    reservation_age_s, event_lag_s, candidates, duplicate_of.
    """
    wide = fault.sku is None
    if running.now > running.end or fault.silent:
        return
    if fault.reports >= (_REPORTS_MAX_WIDE if wide else _REPORTS_MAX) or (wide and sku in fault.reported_skus):
        return
    rng = running.fault_rng
    if fault.reports and not wide and rng.random() < 0.5:
        return
    fault.reports += 1
    if sku is not None:
        fault.reported_skus.add(sku)
    if fault.root_cause == "posting_delay" and fault.started_s is not None:
        known.setdefault("event_lag_s", max(600, running.now - fault.started_s))
    row = failure_row(running, fault.subclass, fault.system, sku, known)
    fault.failure_ids.append(str(row["id"]))
    running.reported[fault.fault_id].append(row)


def failure_row(running: Running, kind: str, system: str, sku: int | None, known: dict[str, Any]) -> dict[str, object]:
    """Write one row of the failures table and return it."""
    rng, constants = running.fault_rng, running.constants
    choices = templates(constants.wordings)[kind, system]
    template = choices[int(rng.integers(len(choices)))]
    low, high = _LATENCY_MS.get(kind, (40, 2500))
    least, most = _ATTEMPTS.get(kind, (1, 3))
    channel, location = known.get("channel"), known.get("location")
    occurred = running.now + int(rng.integers(0, 240))
    row: dict[str, object] = {
        "id": f"FAIL-{running.number('failure', 10_000)}",
        "occurred_at": running.moment(min(occurred, running.end)),
        "message": _spoken(running, template, sku, known),
        "system": system,
        "channel": CHANNELS[channel] if channel is not None else "",
        "operation": template.operation,
        "sku": known.get("external") if kind == "unmapped_sku" else running.items[sku].sku if sku is not None else "",
        "location": LOCATIONS[location] if location is not None else "",
        "http_status": template.status,
        "error_code": template.code,
        "attempts": int(rng.integers(least, most)),
        "latency_ms": int(rng.integers(low, high)),
        "event_lag_s": known.get("event_lag_s", int(rng.integers(3, 240))),
        "reservation_age_s": known.get("reservation_age_s"),
        "duplicate_of": known.get("duplicate_of", ""),
        "mapping_candidates": json.dumps(known["candidates"]) if "candidates" in known else None,
        "document": known.get("document", ""),
        "quantity": known.get("quantity"),
        "recorded_at": running.moment(min(occurred + int(rng.integers(1, 30)), running.end)),
    }
    for name in _HIDEABLE:
        if row[name] not in (None, "") and rng.random() < constants.evidence_hidden:
            row[name] = None
    if rng.random() < constants.text_empty:
        row["message"] = ""
    running.failures.append(row)
    return row


def _spoken(running: Running, template: Template, sku: int | None, known: dict[str, Any]) -> str:
    rng = running.fault_rng
    item = running.items[sku] if sku is not None else None
    location = known.get("location")
    age = known.get("reservation_age_s") or known.get("event_lag_s") or int(rng.integers(3, 30)) * 3600
    return template.text.format(
        sku=item.sku if item else "several SKUs",
        gtin=item.gtin if item else "",
        gid=f"gid://shopify/InventoryItem/{44_000_000_000_000 + 7919 * (sku or 0)}",
        ext=known.get("external", "?"),
        loc=LOCATIONS[location] if location is not None else "EAST",
        doc=known.get("document") or f"SO-{int(rng.integers(100_000, 110_000))}",
        line=known.get("line", "1"),
        qty=known.get("quantity", int(rng.integers(1, 60))),
        uom=known.get("uom", "BX"),
        res=known.get("reservation", f"RES-{int(rng.integers(80_000, 90_000))}"),
        event=known.get("duplicate_of") or known.get("event", "?"),
        cand=", ".join(known.get("candidates", ())[:3]),
        hours=round(age / 3600, 1),
        period=running.moment(running.now).strftime("%m/%Y"),
        host=f"gw{int(rng.integers(1, 9))}.peer.example",
        req=f"{int(rng.integers(16**8)):08x}-{int(rng.integers(16**4)):04x}",
        ctl=f"{int(rng.integers(10**9)):09d}",
        secs=int(rng.integers(10, 61)),
        ms=int(rng.integers(10_000, 60_000)),
        n=int(rng.integers(2, 90)),
        few=int(rng.integers(1, 13)),
    )
