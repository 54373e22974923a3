"""How facts and opinions are said to the outside: the same names in JSON of the API and of the command line.

Money is a JSON number in the currency that stands beside it, times are RFC 3339 in UTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import msgspec

from core_sync.cases.bulk import BulkOutcome
from core_sync.cases.detail import CaseDetail, CaseSignalShown, TimelineEntry
from core_sync.cases.feed import FeedCase, Page
from core_sync.cases.rules import ON_THE_LIST, Status
from core_sync.cases.since import Changes, SinceThen
from core_sync.cases.totals import Covered, Facets, Totals
from core_sync.cases.views import View
from core_sync.clock import from_microseconds
from core_sync.intake.summary import IngestSummary
from core_sync.ledger.entries import ExplainedEntry
from core_sync.ledger.history import PositionAt
from core_sync.money import from_ten_thousandths

if TYPE_CHECKING:  # most lists show no verdict
    from core_sync.ledger.verdicts import Verdict

Shape = dict[str, Any]

_ENCODER = msgspec.json.Encoder(decimal_format="number")

FEED_FIELDS = (
    "case", "rank", "status", "root_cause", "subclass", "probability", "abstained", "fault_probability",
    "anomaly_p_value", "exposure", "expected_loss", "currency", "exposure_terms", "time_to_harm_h", "opened_at",
    "skus", "locations", "channels", "signals", "recommended_action", "autonomy", "owner",
)  # fmt: skip
"""What a case is told with, wherever a list of cases is; these names are a promise to the outside."""

_MORE = (
    "title", "reasons", "model_root_cause", "updated_at", "snoozed_until", "resolved_at", "resolution",
    "merged_into", "model_versions", "needs_review", "recurrences", "recurrences_there", "weighed_at", "snoozed_above",
    "snoozed_stock_below",
)  # fmt: skip


def to_json(value: object) -> bytes:
    """``value`` as JSON: dataclasses as objects, decimals as numbers."""
    return _ENCODER.encode(value)


def case_shape(case: FeedCase) -> Shape:
    """A case as it stands in the feed."""
    shape = {name: getattr(case, name) for name in (*FEED_FIELDS, *_MORE)}
    shape["sku_count"] = len(case.skus)
    shape["override"] = None
    if case.override is not None:
        shape["override"] = {
            "root_cause": case.override.root_cause,
            "expected_loss": case.override_expected_loss,
            "reason": case.override.reason,
            "until": case.override.until,
        }
    return shape


SKUS_LISTED = 200
"""SKUs that a case names in a list: an outage may touch a hundred thousand, and a page holds many cases."""


def listed_shape(case: FeedCase) -> Shape:
    """A case as a list for programs tells it: of very many SKUs the first; the case by itself names all."""
    shape = case_shape(case)
    return {**shape, "skus": shape["skus"][:SKUS_LISTED]}


def page_shape(page: Page, totals: Totals) -> Shape:
    """A page of the feed, with what is on the whole list."""
    return {
        "items": [listed_shape(case) for case in page.cases],
        "next_cursor": page.next_cursor,
        "total_cases": totals.cases,
        "total_expected_loss": totals.expected_loss,
    }


def facets_shape(facets: Facets, coverage: Sequence[Covered]) -> Shape:
    """What is on the list in sum."""
    return {
        "total_cases": facets.totals.cases,
        "total_expected_loss": facets.totals.expected_loss,
        "facets": facets.counts,
        "coverage": coverage,
    }


def since_shape(then: SinceThen | None) -> Shape:
    """What happened to the list since a moment; all of it empty for who was never there before."""
    kinds = ("new", "worsened", "woken", "resolved")
    none = Changes(0, ())
    return {
        "since": then.since if then is not None else None,
        **{kind: getattr(then, kind) if then is not None else none for kind in kinds},
        "came_and_went": then.came_and_went if then is not None else 0,
    }


def view_shape(view: View) -> Shape:
    """A saved view; the statuses that a list shows anyway are left out."""
    shown = view.shown
    named = {item.name: getattr(shown, item.name) for item in fields(shown) if item.name != "statuses"}
    fitting = {"status": [] if shown.statuses == ON_THE_LIST else list(shown.statuses or Status), **named}
    return {
        "name": view.name,
        "owner": view.owner,
        "order": view.order,
        "fitting": fitting,
        "saved_at": view.saved_at,
    }


def bulk_shape(outcome: BulkOutcome, dry_run: bool) -> Shape:
    """What a verb did to many cases, or would do."""
    return {
        "bulk": outcome.bulk,
        "verb": outcome.verb,
        "dry_run": dry_run,
        "expected_loss": outcome.expected_loss,
        "done": outcome.done,
        "refused": outcome.refused,
    }


def detail_shape(detail: CaseDetail, anomalies: Mapping[int, Shape]) -> Shape:
    """A case with its signals and its timeline; ``anomalies`` are told by the room that knows them."""
    return {
        **case_shape(detail.case),
        "evidence": [_signal_shape(signal, anomalies) for signal in detail.signals],
        "timeline": [_entry_shape(entry) for entry in detail.timeline],
    }


def _signal_shape(signal: CaseSignalShown, anomalies: Mapping[int, Shape]) -> Shape:
    told = signal.failure if signal.kind == "failure" else anomalies.get(signal.signal_id)
    return {
        "signal": signal.signal,
        "kind": signal.kind,
        "added_at": signal.added_at,
        "placed_by_hand": signal.placed_by_hand,
        "told": told,
    }


_MONEY = ("exposure", "expected_loss", "override_rank", "snoozed_above")
_MOMENTS = ("snoozed_until", "resolved_at", "override_until")


def _entry_shape(entry: TimelineEntry) -> Shape:
    shape = {item.name: getattr(entry, item.name) for item in fields(entry)}
    shape["before"] = {name: _said(name, value) for name, value in entry.before.items()}
    shape["after"] = {name: _said(name, value) for name, value in entry.after.items()}
    return shape


def _said(name: str, value: Any) -> Any:
    """A column of the timeline in the units of the outside."""
    if value is None or not isinstance(value, int):
        return value
    if name in _MONEY:
        return from_ten_thousandths(value)
    return from_microseconds(value) if name in _MOMENTS else value


POSITION_FIELDS = (
    "sku", "location", "lot", "on_hand", "allocated", "quality_hold", "in_transit", "safety_stock", "available",
    "last_event_at",
)  # fmt: skip


def position_shape(position: PositionAt) -> Shape:
    """One position with its states."""
    return {name: getattr(position, name) for name in POSITION_FIELDS}


def entry_shape(entry: ExplainedEntry) -> Shape:
    """One ledger entry in words."""
    return {item.name: getattr(entry, item.name) for item in fields(entry)}


def verdict_shape(verdict: "Verdict") -> Shape:
    """What a verb on a held event or an entry did, or would do."""
    shape = {item.name: getattr(verdict, item.name) for item in fields(verdict)}
    shape["entries"] = [entry_shape(entry) for entry in verdict.entries]
    shape["positions"] = [position_shape(position) for position in verdict.positions]
    return shape


def ingest_shape(summary: IngestSummary) -> Shape:
    """What became of the rows of files or messages: the closing object."""
    return {
        "accepted": summary.accepted,
        "duplicates": summary.duplicates,
        "suspected_duplicates": summary.suspected_duplicates,
        "parked": summary.parked,
        "rejected": summary.rejected,
        "repeated": summary.repeated,
        "freed": summary.freed,
        "seconds": round(summary.seconds, 3),
    }
