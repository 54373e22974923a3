"""The kinds of fault, and the root cause above each."""

from collections.abc import Mapping
from types import MappingProxyType

_BELOW = {
    "timeout": ("timeout", "rate_limit", "outage"),
    "sku_mapping": ("unmapped_sku", "ambiguous_sku", "uom_mismatch", "pack_size", "location_mapping"),
    "stale_reservation": ("expired_hold", "cancelled_order", "leaked"),
    "duplicate": ("redelivery", "id_conflict", "business_key"),
    "posting_delay": ("late_confirmation", "backlog", "period_closed", "accepted_not_applied"),
    "other": ("auth", "validation", "out_of_stock", "negative_stock", "edi_reject", "code_fault"),
}

ROOT_CAUSE: Mapping[str, str] = MappingProxyType({kind: cause for cause, kinds in _BELOW.items() for kind in kinds})
"""Root cause by kind; ``timeout`` without a finer kind is its own."""

UNTOLD: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("silent_source", "stuck_return", "lost_transfer"), "posting_delay") | {"phantom_stock": "other"}
)
"""Root cause by kind of what is known only by what does not come; in worlds that ask for it."""

UNFORESEEN: Mapping[str, str] = MappingProxyType(
    {
        "cross_dock_scan": "sku_mapping",
        "half_applied_kit": "posting_delay",
        "measure_mix_up": "sku_mapping",
        "clock_skew": "other",
        "partial_outage": "posting_delay",
    }
)
"""Root cause by kind of what no feature was made for; in worlds that no model is trained on."""

WITHOUT_A_TRACE = frozenset({"phantom_stock"})
"""Kinds that leave nothing but what is missing."""

VISIBLE_IN_FIGURES = frozenset(
    {"timeout", "pack_size", "cancelled_order", "leaked", "redelivery", "business_key", "late_confirmation",
     "accepted_not_applied", "period_closed"}
)  # fmt: skip
"""Kinds that may go unreported, because the figures give them away."""
