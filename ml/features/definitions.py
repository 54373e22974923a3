"""The only list of the features of movements, in sets that are never mixed; and all sets by name.

*movement*, *stream* and *document* are nested; *priced* is *movement* with prices.
"""

from ml.features.delta_definitions import DELTA_SET
from ml.features.feature import Feature, FeatureSet, Stored, Tail

ITEM = "SKU × location"
STREAM = "stream"
ALWAYS = "never missing"

MOVEMENT_FEATURES: tuple[Feature, ...] = (
    Feature("size", "units", "movement", "none", ALWAYS, "Units moved, without sign.", Stored.LOG),
    Feature(
        "size_z",
        "sd",
        ITEM,
        "all before",
        ALWAYS,
        "Log size against the item's own mean and spread, both drawn to those of all items while history is short.",
        strange=Tail.BOTH,
    ),
    Feature(
        "size_tail",
        "of the item's movements are as large",
        ITEM,
        "all before",
        ALWAYS,
        "Share of the item's movements in the same size step or above.",
        Stored.SURPRISE,
    ),
    Feature(
        "quantity_rarity",
        "of the item's movements have this quantity",
        ITEM,
        "all before",
        ALWAYS,
        "Share of the item's movements with exactly this quantity.",
        Stored.SURPRISE,
    ),
    Feature(
        "quantity_rarity_pooled",
        "of all movements have this quantity",
        STREAM,
        "all before",
        ALWAYS,
        "Share of all movements with exactly this quantity.",
        Stored.SURPRISE,
    ),
    Feature(
        "kind_rarity",
        "of the item's movements are of this kind",
        ITEM,
        "all before",
        ALWAYS,
        "Share of the item's movements with this event type and direction.",
        Stored.SURPRISE,
    ),
    Feature(
        "demand_days",
        "days of the item's usual movement",
        ITEM,
        "all before",
        ALWAYS,
        "Size over the units the item moves a day.",
        Stored.LOG,
    ),
    Feature(
        "idle_days",
        "days since the item last moved",
        ITEM,
        "90 days",
        "the item never moved: 90 days",
        "How long the item lay still.",
        Stored.LOG,
    ),
    Feature(
        "repeat_hours",
        "hours since the item last moved by exactly this",
        ITEM,
        "90 days",
        "never: 90 days",
        "Age of the last equal movement.",
        Stored.LOG,
    ),
    Feature(
        "reversal_hours",
        "hours since the item moved by exactly the opposite",
        ITEM,
        "90 days",
        "never: 90 days",
        "Age of the movement that this one would undo.",
        Stored.LOG,
        Tail.LOW,
    ),
    Feature(
        "hour_rarity",
        "of all movements come in this hour of the week",
        STREAM,
        "all before",
        ALWAYS,
        "Share of all movements in this UTC hour of the week.",
        Stored.SURPRISE,
    ),
    Feature(
        "uneven",
        "log of what packs leave",
        "movement",
        "none",
        ALWAYS,
        "Quantity after taking out whole twos, threes and fives (at most 64, 27, 25): 0 for any usual pack.",
    ),
    Feature(
        "pack_ratio",
        "closeness to a pack",
        ITEM,
        "all before",
        ALWAYS,
        "How near the size is to 6, 12, 24 or 48 times the item's usual one: 1 is exact (a unit mix-up).",
    ),
    Feature(
        "history", "earlier movements", ITEM, "all before", ALWAYS, "How often the item moved.", Stored.LOG, Tail.LOW
    ),
)
"""The *movement* set: SKU, quantity, time and own history, nothing about the neighbours."""

WITHIN_MINUTE = 60

STREAM_FEATURES: tuple[Feature, ...] = (
    *MOVEMENT_FEATURES,
    Feature(
        "minute_lines",
        "lines in the same minute",
        STREAM,
        "the minute",
        ALWAYS,
        "Lines with the same minute, later ones included.",
        Stored.LOG,
        Tail.LOW,
        WITHIN_MINUTE,
    ),
    Feature(
        "lines_5_minutes",
        "lines in five minutes",
        STREAM,
        "5 minutes",
        ALWAYS,
        "Lines in this minute and the four before.",
        Stored.LOG,
        Tail.LOW,
        WITHIN_MINUTE,
    ),
    Feature(
        "quiet_minutes",
        "minutes since the last line",
        STREAM,
        "10 hours",
        "nothing before: 10 hours",
        "Minutes since an earlier minute had a line.",
        Stored.LOG,
    ),
    Feature(
        "thin_minutes",
        "thin minutes before",
        STREAM,
        "10 minutes",
        ALWAYS,
        "Minutes of the ten before that had one to three lines: one person keying in a list.",
        Stored.LOG,
    ),
    Feature(
        "neighbour_surprise",
        "decayed surprise of the neighbours",
        STREAM,
        "15 minutes' decay",
        ALWAYS,
        "How strange the quantities just before and in the same minute were, thin minutes counting most.",
        Stored.LOG,
        Tail.HIGH,
        WITHIN_MINUTE,
    ),
)
"""The *stream* set: the movement set, and timing and neighbours in the stream."""

DOCUMENT_FEATURES: tuple[Feature, ...] = (
    *STREAM_FEATURES,
    Feature(
        "document_lines",
        "lines in the document",
        "document × minute",
        "the minute",
        "no document given",
        "Lines of the same document in the same minute.",
        Stored.LOG,
        Tail.LOW,
        WITHIN_MINUTE,
    ),
    Feature(
        "minute_documents",
        "documents in the same minute",
        STREAM,
        "the minute",
        "no document given",
        "Documents with a line in the same minute.",
        Stored.LOG,
        Tail.HIGH,
        WITHIN_MINUTE,
    ),
    Feature(
        "single_line_documents",
        "single-line documents just before",
        STREAM,
        "15 minutes' decay",
        "no document given",
        "Decayed count of other single-line documents.",
        Stored.LOG,
        Tail.HIGH,
        WITHIN_MINUTE,
    ),
    Feature(
        "single_line_surprise",
        "decayed surprise of single-line documents",
        STREAM,
        "15 minutes' decay",
        "no document given",
        "How strange the quantities of other single-line documents just before were.",
        Stored.LOG,
        Tail.HIGH,
        WITHIN_MINUTE,
    ),
)
"""The *document* set: the stream set, and the document."""

PRICE_FEATURES: tuple[Feature, ...] = (
    Feature(
        "price_z",
        "sd",
        "SKU",
        "all before",
        "no price told, or none of the SKU before",
        "Log price of a unit against the SKU's own mean and spread, the spread drawn to that of all SKUs.",
        strange=Tail.BOTH,
    ),
    Feature(
        "price_rarity",
        "of the SKU's movements have this price",
        "SKU",
        "all before",
        "no price told, or none of the SKU before",
        "Share of the SKU's priced movements with this price.",
        Stored.SURPRISE,
    ),
)

MOVEMENT_SET = FeatureSet("movement", MOVEMENT_FEATURES)
STREAM_SET = FeatureSet("stream", STREAM_FEATURES)
DOCUMENT_SET = FeatureSet("document", DOCUMENT_FEATURES)
PRICED_SET = FeatureSet("priced", (*MOVEMENT_FEATURES, *PRICE_FEATURES))
"""The *priced* set: the movement set, and the price of a unit where the source tells one."""


__all__ = ["DELTA_SET", "DOCUMENT_SET", "FEATURE_SETS", "MOVEMENT_SET", "PRICED_SET", "STREAM_SET"]

FEATURE_SETS = {features.name: features for features in (MOVEMENT_SET, STREAM_SET, DOCUMENT_SET, PRICED_SET, DELTA_SET)}
