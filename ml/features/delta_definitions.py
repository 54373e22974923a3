"""The only list of the features of deltas: systems held against each other at one moment."""

from ml.features.feature import Feature, FeatureSet, Stored, Tail

ALWAYS = "never missing"
DELTA_ITEM = "SKU × location × channel"
SYSTEM_SILENT = "one of the systems is silent"
NO_HISTORY = "no earlier difference of the item"

DELTA_FEATURES: tuple[Feature, ...] = (
    Feature(
        "residual_z",
        "sd",
        DELTA_ITEM,
        "the moment",
        "expected or reported unknown",
        "What in-flight quantities leave of reported less expected, over the spread of what moves in the meantime.",
        Stored.ASINH,
        Tail.BOTH,
    ),
    Feature(
        "erp_wms_z",
        "sd",
        DELTA_ITEM,
        "the moment",
        SYSTEM_SILENT,
        "ERP less WMS, in-flight netted, over the spread of what moves while events are under way.",
        Stored.ASINH,
        Tail.BOTH,
    ),
    Feature(
        "channel_wms_z",
        "sd",
        DELTA_ITEM,
        "the moment",
        SYSTEM_SILENT,
        "Published less WMS, over the spread of what moves since it was published.",
        Stored.ASINH,
        Tail.BOTH,
    ),
    Feature(
        "residual_against_own",
        "sd",
        DELTA_ITEM,
        "28 snapshots before",
        NO_HISTORY,
        "Residual less the item's own usual one: a standing record error is no news.",
        Stored.ASINH,
        Tail.BOTH,
    ),
    Feature(
        "erp_wms_against_own",
        "sd",
        DELTA_ITEM,
        "28 snapshots before",
        NO_HISTORY,
        "ERP less WMS, less the item's own usual one.",
        Stored.ASINH,
        Tail.BOTH,
    ),
    Feature(
        "published_age",
        "times the channel's usual age",
        "channel",
        "all before",
        "never published or age unknown",
        "Age of the published figure over the mean age in its channel.",
        Stored.LOG,
    ),
    Feature(
        "event_lag",
        "times the usual lag",
        "location",
        "all before",
        "lag unknown",
        "Age of the oldest event not yet seen by all, over the mean at its location.",
        Stored.LOG,
    ),
    Feature(
        "in_flight_z",
        "sd",
        DELTA_ITEM,
        "the moment",
        "in-flight unknown",
        "In-flight quantity over the spread of what moves.",
        Stored.ASINH,
        Tail.BOTH,
    ),
    Feature(
        "pack_factor",
        "closeness to a pack",
        DELTA_ITEM,
        "the moment",
        "expected or reported unknown",
        "How near the two figures are to 6, 12 or 24 times each other: 1 is exact.",
    ),
    Feature(
        "persists",
        "of the last four had an unusual residual",
        DELTA_ITEM,
        "4 snapshots before",
        ALWAYS,
        "Earlier snapshots with a residual beyond one sd.",
    ),
    Feature(
        "erp_wms_persists",
        "of the last four had ERP and WMS apart",
        DELTA_ITEM,
        "4 snapshots before",
        ALWAYS,
        "Earlier snapshots with ERP and WMS more than one sd apart.",
    ),
    Feature(
        "zero_gap",
        "promised from nothing, or nothing shown of something",
        DELTA_ITEM,
        "the moment",
        "expected or reported unknown",
        "1 where exactly one of the two figures is zero or less.",
    ),
)
"""The *delta* set: systems against each other at one moment, in-flight quantities netted out."""

DELTA_SET = FeatureSet("delta", DELTA_FEATURES)
