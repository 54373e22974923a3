"""Which features can be evidence of which kind of fault: what an explanation may name first and be right."""

from collections.abc import Mapping
from types import MappingProxyType

_DIFFERENCE = frozenset(
    {"residual_z", "residual_against_own", "plain_against_own", "least_against_own", "times_own", "step", "zero_gap",
     "persists", "left_when_behind"}
)  # fmt: skip
_TOLD = frozenset({"failures_day", "failures_four_days", "failures_of_system", "failures_there", "told_fit"})
_OTHER_FIGURES = frozenset(
    {"siblings_odd", "siblings_beyond", "steady_here", "steady_anywhere", "erp_wms_z", "erp_wms_against_own",
     "erp_wms_times_own", "erp_wms_persists"}
)  # fmt: skip
_LATE = frozenset(
    {"event_lag", "lag_rarity", "in_flight_z", "behind", "behind_anywhere", "behind_rarity", "odd_there",
     "odd_elsewhere", "odd_then"}
)  # fmt: skip

_LISTING = _DIFFERENCE | _TOLD | {"published_age", "channel_wms_z", "lag_rarity"}
_RECORD = _DIFFERENCE | _TOLD | _OTHER_FIGURES
_POSTING = _RECORD | _LATE
_KINDS = {
    _LISTING: ("timeout", "rate_limit", "outage", "ambiguous_sku", "accepted_not_applied", "validation", "code_fault",
               "edi_reject", "auth", "out_of_stock"),
    _RECORD: ("unmapped_sku", "location_mapping", "expired_hold", "cancelled_order", "leaked", "redelivery",
              "id_conflict", "business_key", "cross_dock_scan", "half_applied_kit"),
    _RECORD | {"pack_factor"}: ("uom_mismatch", "pack_size", "measure_mix_up"),
    _POSTING: ("late_confirmation", "backlog", "period_closed", "negative_stock", "clock_skew", "partial_outage"),
}  # fmt: skip

EVIDENCE: Mapping[str, frozenset[str]] = MappingProxyType(
    {kind: frozenset(features) for features, kinds in _KINDS.items() for kind in kinds}
)
"""Features by kind: of a listing that is not updated its own difference, its age and what was told of it; of a record
that is wrong also the SKU's other figures; of what is not posted also how late systems are."""
