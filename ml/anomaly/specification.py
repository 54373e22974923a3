"""What each detector looks at: the forest's features, the directed context beside it, and the sizes of both.

The score is a sum of surprises in nats: the forest's, times its weight, and that of each context feature in
the direction named, times its weight. Context that is strange in one direction only (few lines a minute)
gains nothing from a forest, which would find the busiest minute as strange as the emptiest.

The weights and the forest's sizes of the movement detectors were compared on the third quarter of the real
movements; the last quarter is for figures only (``benchmarks/retail_movements.py``). Forests of small samples
did better there (one odd line among many of few kinds); on differences, where faults come in clusters, large
samples did.

``prior`` names the features by which faults of simulated distributors are told from the rest (``ml.anomaly.prior``);
figures that depend on how large standing errors are in a house are not among them.
"""

from dataclasses import dataclass

from ml.features.definitions import DELTA_SET, DOCUMENT_SET, MOVEMENT_SET, PRICED_SET, STREAM_SET
from ml.features.feature import FeatureSet, Tail


@dataclass(frozen=True, slots=True)
class Context:
    """A feature judged by itself: how far out in one direction, counted ``weight`` times."""

    feature: str
    strange: Tail
    weight: float


@dataclass(frozen=True, slots=True)
class Specification:
    """A detector before it has seen anything. ``warm_rows``: rows of history below which it abstains.

    ``background`` names features that say how much the others weigh, and are no reason by themselves.
    """

    name: str
    features: FeatureSet
    forest: tuple[str, ...]
    forest_weight: float = 1.0
    context: tuple[Context, ...] = ()
    prior: tuple[str, ...] = ()
    prior_weight: float = 1.0
    background: tuple[str, ...] = ()
    trees: int = 200
    samples: int = 128
    warm_rows: int = 2_000


MOVEMENT_CORE = (
    "size_tail",
    "quantity_rarity",
    "quantity_rarity_pooled",
    "kind_rarity",
    "demand_days",
    "idle_days",
    "repeat_hours",
)

MOVEMENT = Specification("movement", MOVEMENT_SET, MOVEMENT_CORE)

PRICED = Specification(
    "priced",
    PRICED_SET,
    MOVEMENT_CORE,
    context=(Context("price_z", Tail.BOTH, 3.0), Context("price_rarity", Tail.HIGH, 2.0)),
)
"""For wrong prices. Real prices fall with the size of an order, and drown odd quantities: it is never the default."""

STREAM = Specification(
    "stream",
    STREAM_SET,
    MOVEMENT_CORE,
    forest_weight=2.0,
    context=(Context("minute_lines", Tail.LOW, 3.0), Context("neighbour_surprise", Tail.HIGH, 1.0)),
)

DOCUMENT = Specification(
    "document",
    DOCUMENT_SET,
    MOVEMENT_CORE,
    forest_weight=2.0,
    context=(
        Context("minute_lines", Tail.LOW, 1.0),
        Context("document_lines", Tail.LOW, 3.0),
        Context("single_line_surprise", Tail.HIGH, 2.0),
        Context("single_line_documents", Tail.HIGH, 2.0),
    ),
)

DELTA = Specification(
    "delta",
    DELTA_SET,
    (
        "residual_against_own",
        "erp_wms_against_own",
        "event_lag",
        "pack_factor",
        "zero_gap",
        "plain_against_own",
        "least_against_own",
        "times_own",
        "erp_wms_times_own",
        "step",
        "siblings_odd",
        "siblings_beyond",
        "odd_there",
        "book_rarity",
        "book_odd",
        "failures_day",
        "failures_four_days",
    ),
    forest_weight=0.3,
    prior=(
        "residual_z",
        "erp_wms_against_own",
        "in_flight_z",
        "pack_factor",
        "zero_gap",
        "plain_against_own",
        "least_against_own",
        "times_own",
        "erp_wms_times_own",
        "step",
        "siblings_odd",
        "siblings_beyond",
        "odd_there",
        "odd_elsewhere",
        "odd_then",
        "differs",
        "book_rarity",
        "book_odd",
        "daily_units",
        "expected_units",
        "failures_day",
        "failures_four_days",
        "left_when_behind",
        "behind",
        "behind_rarity",
        "lag_rarity",
        "steady_here",
        "steady_anywhere",
        "failures_of_system",
        "failures_there",
        "told_fit",
    ),
    background=("differs", "book_rarity", "book_odd", "daily_units", "expected_units"),
    trees=200,
    samples=4096,
)
"""Every redundant column costs a forest precision; boosted trees pass it over."""

MOVEMENTS = {specification.name: specification for specification in (MOVEMENT, STREAM, DOCUMENT, PRICED)}
"""The movement detectors by the name of their feature set."""
