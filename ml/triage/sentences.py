"""Why a fact is strange, in sentences an operator reads: what was seen, and how rarely ordinary rows show it."""

from collections.abc import Mapping
from types import MappingProxyType

from ml.anomaly.reasons import Reason

_SEEN: Mapping[str, str] = MappingProxyType(
    {
        "residual_z": "reported and expected are {told} apart beyond what is in flight",
        "erp_wms_z": "ERP and WMS are {told} apart",
        "channel_wms_z": "the channel shows {told} more than the WMS holds",
        "residual_against_own": "the difference is {told} from the usual one here",
        "erp_wms_against_own": "ERP and WMS are {told} further apart than usual here",
        "published_age": "the published figure is {told} old",
        "event_lag": "the oldest movement not yet posted is {told} old",
        "pack_factor": "one figure is nearly a pack times the other ({told})",
        "plain_against_own": "reported and expected are {told} further apart than usual here",
        "least_against_own": "neither the usual difference nor what is in flight explains {told}",
        "times_own": "what the usual leaves unexplained is {told}",
        "erp_wms_times_own": "ERP and WMS are {told} apart",
        "step": "{told} of it have come since the last snapshot",
        "siblings_odd": "{told}",
        "siblings_beyond": "the SKU's other figures are {told} beyond their usual",
        "steady_here": "figures of the SKU there that usually agree are off by {told}",
        "steady_anywhere": "figures of the SKU that usually agree are off by {told}",
        "odd_there": "{told}",
        "differs": "the figure differed in a share of {told}",
        "failures_day": "{told} within a day",
        "failures_four_days": "{told} within four days",
        "failures_of_system": "{told} within four days",
        "failures_there": "{told} within twelve hours",
        "told_fit": "it is nearly as many units as a failure of the SKU named ({told})",
        "lag_rarity": "what is under way is late: {told}",
        "behind": "the system's figures there are {told}",
        "behind_rarity": "the system is late: {told}",
        "persists": "{told}",
        "erp_wms_persists": "{told}",
        "zero_gap": "stock is promised from nothing, or nothing is shown of something",
    }
)
"""How a delta's feature is said; those of movements say themselves."""


def sentence(reason: Reason) -> str:
    """``reason`` in words: ``ERP and WMS are 19.4 sd apart; ordinary rows are as far out once in 1,100``."""
    seen = _SEEN.get(reason.feature, "{told}").format(told=reason.told)
    one_in = 1.0 / max(reason.chance, 1e-9)
    return f"{seen}; ordinary rows are as far out once in {one_in:,.0f}" if one_in >= 2 else seen
