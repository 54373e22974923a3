"""Which signals are one trouble: fingerprints, pure.

A failure's fingerprint is its root cause and what it touches. Troubles of a whole connector (outage,
rate limit, credentials) are one for the connector, whatever SKU they showed on, and so is a posting backlog for its
warehouse; what looks like an outage while hardly another SKU fails is the SKU's own. An anomaly joins the failure that
explains it where the same SKU has one, else it is a trouble of its own SKU.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

CONNECTOR_WIDE = frozenset({"rate_limit", "outage", "auth"})
"""Subclasses that are a connector's trouble, not a SKU's."""


OUTAGE, BACKLOG = "outage", "backlog"

_SPLIT = re.compile(r"#\d+$")

OF_THE_WORST = 0.5
"""An outage fails everything: while it lasts no minute is much better than its worst."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signal touches; empty where it does not say."""

    system: str = ""
    channel: str = ""
    sku: str = ""
    location: str = ""


def failure_fingerprint(root_cause: str, subclass: str | None, scope: Scope, lonely: bool = False) -> str:
    """The fingerprint of a failure that was diagnosed; ``lonely`` where it ``is_lonely`` among its connector's.

    A posting backlog is a warehouse's trouble in a system, whatever SKU it shows on; ``lonely`` where no other SKU
    shows it.
    """
    if subclass == BACKLOG and not lonely and scope.location:
        return backlog_fingerprint(root_cause, scope.system, scope.location)
    if (subclass in CONNECTOR_WIDE and not lonely) or not scope.sku:
        return connector_fingerprint(root_cause, subclass, scope)
    return f"{root_cause}|{scope.sku}"


def backlog_fingerprint(root_cause: str, system: str, location: str) -> str:
    """That of a system that does not post what happens at a location."""
    return f"{root_cause}|{BACKLOG}|{system}@{location}"


class Waiting(NamedTuple):
    """A posting that waits, as it was told; its location may not have been."""

    failure_id: int
    root_cause: str
    system: str | None
    location: str | None
    sku: str


def backlogs_among(waiting: Sequence[Waiting]) -> dict[str, list[Waiting]]:
    """In what postings that wait are one: by fingerprint those of a system and a location, which show on several SKUs.

    One whose location was not told is of the only backlog of its system, or of the only location that is told of.
    """
    told: dict[tuple[str, str], dict[str, set[str]]] = {}
    for row in waiting:
        if row.location:
            told.setdefault((row.root_cause, row.system or ""), {}).setdefault(row.location, set()).add(row.sku)
    found: dict[str, list[Waiting]] = {}
    for row in waiting:
        skus_of = told.get((row.root_cause, row.system or ""), {})
        wide = {place for place, skus in skus_of.items() if len(skus) > 1}
        places = {row.location} if row.location else wide or skus_of.keys()
        if len(places) == 1:
            name = backlog_fingerprint(row.root_cause, row.system or "", *places)
            found.setdefault(name, []).append(row)
    return {name: rows for name, rows in found.items() if len({row.sku for row in rows}) > 1}


def connector_fingerprint(root_cause: str, subclass: str | None, scope: Scope) -> str:
    """That of a trouble which the whole connector has."""
    return f"{root_cause}|{subclass or ''}|{scope.channel or scope.system}"


def is_lonely(subclass: str | None, neighbours: int | None, worst: int) -> bool:
    """Whether what looks like an outage is none: few other SKUs fail beside it, for an outage of this connector.

    Args:
        neighbours: other SKUs of the connector that failed within minutes; None where nobody counted.
        worst: the most that were counted beside any failure of the same outage.
    """
    return subclass == OUTAGE and neighbours is not None and neighbours < OF_THE_WORST * worst


def told_together(fingerprint: str, is_placed: bool = False) -> str:
    """Why signals of ``fingerprint`` are one case, in words; ``is_placed`` says that people put some of them there."""
    if is_placed and _SPLIT.search(fingerprint):
        return "a person took these signals out of another case"
    why = _by_rule(fingerprint)
    return f"{why}; people placed some of them here" if is_placed else why


def _by_rule(fingerprint: str) -> str:
    cause, _, touched = fingerprint.partition("|")
    subclass, _, connector = touched.partition("|")
    if cause == "anomaly":
        return f"all are figures of {touched} that are strange, and no failure of it explains them"
    if not connector:
        return f"all are of {_words(cause)} and about {touched}, on whatever channel"
    if subclass == BACKLOG:
        system, _, location = connector.partition("@")
        return f"all wait because {system} does not post what happens" + (f" at {location}" if location else "")
    return f"all are of {_words(subclass or cause)} and of {connector} as a whole, whatever SKU they show on"


def _words(name: str) -> str:
    return name.replace("_", " ")


def anomaly_fingerprint(scope: Scope, failing_skus: dict[str, str]) -> str:
    """The fingerprint of an anomaly; ``failing_skus`` are fingerprints of open failure cases by SKU."""
    return failing_skus.get(scope.sku, f"anomaly|{scope.sku}")
