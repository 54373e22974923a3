"""What a simulated world is made from: its seed, its size and its published constants."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

CHANNELS = ("shopify", "amazon", "edi")
"""The channels, each also the name of its system; the EDI account is fed from the ERP's books."""

DIRECT = 3
"""Index of demand that passes no channel: phone, counter and key accounts."""

LOCATIONS = ("EAST", "WEST")
"""The two warehouses."""

REPORTING_CURRENCY = "EUR"


@dataclass(frozen=True, slots=True)
class FaultRate:
    """How often a kind of fault starts (a day, for 100 SKUs) and how long people need to cure it (median hours)."""

    per_day: float
    cured_after_h: float


def _fault_rates() -> Mapping[str, FaultRate]:
    return MappingProxyType(
        {
            "timeout": FaultRate(0.55, 5.0),
            "rate_limit": FaultRate(0.15, 3.0),
            "outage": FaultRate(0.08, 1.5),
            "unmapped_sku": FaultRate(0.25, 20.0),
            "ambiguous_sku": FaultRate(0.12, 24.0),
            "uom_mismatch": FaultRate(0.15, 20.0),
            "pack_size": FaultRate(0.25, 30.0),
            "location_mapping": FaultRate(0.18, 20.0),
            "expired_hold": FaultRate(0.30, 40.0),
            "cancelled_order": FaultRate(0.25, 36.0),
            "leaked": FaultRate(0.25, 60.0),
            "redelivery": FaultRate(0.35, 18.0),
            "id_conflict": FaultRate(0.15, 18.0),
            "business_key": FaultRate(0.25, 24.0),
            "late_confirmation": FaultRate(0.40, 9.0),
            "backlog": FaultRate(0.06, 6.0),
            "period_closed": FaultRate(0.15, 18.0),
            "accepted_not_applied": FaultRate(0.30, 10.0),
            "auth": FaultRate(0.05, 4.0),
            "validation": FaultRate(0.20, 16.0),
            "out_of_stock": FaultRate(0.20, 8.0),
            "negative_stock": FaultRate(0.12, 16.0),
            "edi_reject": FaultRate(0.15, 12.0),
            "code_fault": FaultRate(0.10, 12.0),
        }
    )


@dataclass(frozen=True, slots=True)
class Constants:
    """Everything about a world that is neither its seed nor its size. Published, so that nobody need guess."""

    faults: Mapping[str, FaultRate] = field(default_factory=_fault_rates)
    fault_multiplier: float = 1.0
    """Multiplies every rate; 0 gives the clean world."""
    open_at_end: int = 1
    """Faults of each kind that start in the last hours and are open when the world ends."""
    evidence_hidden: float = 0.30
    """Chance that one field of a failure's evidence was not recorded."""
    text_empty: float = 0.10
    """Chance that a failure has no message."""
    silent: float = 0.20
    """Chance that nobody reports a fault which can be seen in the figures alone."""
    transient_failures_per_day: float = 3.0
    """Failed tries that the very next try heals, for 100 SKUs: noise, not faults."""
    wordings: tuple[str, ...] = ("a", "b")
    """Which sets of message templates are spoken; ``a`` and ``b`` share none."""
    publish_period_s: tuple[int, int, int] = (900, 1800, 14_400)
    """Seconds between two publishes of each channel."""
    erp_posting_s: int = 1800
    erp_late: float = 0.05
    """Chance that an ERP posting run is skipped, so that the next one posts both."""
    source_lag_s: tuple[int, int] = (4, 150)
    """Between which bounds a message takes from its source to us."""
    standing_offset: float = 0.20
    """Share of SKUs whose ERP figure is off by a few units for good."""
    standing_offset_times: int = 1
    """How many times larger than the usual one to three units these are."""
    lines_per_day_100_skus: float = 330.0
    demand_multiplier: float = 1.0
    surge_from_day: int | None = None
    """From this day on demand is twice what it was; None for never."""
    zipf: float = 0.85
    dispersion: float = 2.5
    """Variance over mean of the lines of one SKU in one day (negative binomial)."""
    channel_split: tuple[float, float, float, float] = (0.46, 0.30, 0.06, 0.18)
    """Share of lines by channel, direct demand last."""
    promotions_per_day: float = 0.35
    large_orders_per_day: float = 1.2
    kits_per_day: float = 0.0
    counts_per_day: float = 6.0
    maintenance_windows_per_week: float = 2.0
    share: tuple[float, float, float] = (1.0, 0.8, 0.5)
    buffer: tuple[int, int, int] = (1, 2, 0)
    oversell_penalty: tuple[float, float, float] = (5.0, 12.0, 20.0)
    """Money of the reporting currency for each unit sold and not delivered, by channel."""
    recapture: float = 0.30
    """Share of refused buyers who buy something else from us."""
    cover_days: tuple[float, float] = (0.5, 7.0)
    """Opening stock, in days of demand."""
    reorder_cover_days: float = 0.5
    """Safety on top of the lead time when reordering, in days of demand."""
    opens: int = 6
    closes: int = 21
    works_weekends: bool = True
    """Whether the warehouses work on Saturdays and Sundays."""
    ships_while_open: bool = False
    """Whether packing and shipping keep to these hours too; else what was picked leaves the same evening."""
    snapshot_hours: tuple[int, ...] = (0, 6, 12, 18)
    horizon_h: int = 48
    """How far beyond the end the loss of an open fault is followed."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One world: the same scenario gives the same world, byte for byte."""

    seed: int
    days: int
    skus: int
    start: datetime
    constants: Constants = field(default_factory=Constants)

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise ValueError("the start of a scenario needs a time zone")
        if self.days < 1 or self.skus < 1:
            raise ValueError("a scenario needs at least one day and one SKU")

    @property
    def end(self) -> datetime:
        """The moment after which nothing is known any more; the last snapshot is of this moment."""
        return self.start + timedelta(days=self.days)


def ending_at(scenario: Scenario, moment: datetime) -> Scenario:
    """``scenario`` moved in time so that it ends at the last snapshot hour before ``moment``."""
    hours = scenario.constants.snapshot_hours
    end = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while end.hour not in hours:
        end -= timedelta(hours=1)
    return replace(scenario, start=end - timedelta(days=scenario.days))


_START = datetime(2026, 3, 1, 18, tzinfo=UTC)

SAMPLE = Scenario(seed=20_260_301, days=14, skus=140, start=_START)
"""The distributor that a first start is filled with."""

TRAINING = Scenario(
    seed=1,
    days=28,
    skus=160,
    start=_START,
    constants=Constants(wordings=("a",), fault_multiplier=1.5),
)
"""Where training data comes from: one set of wordings, more faults; vary the seed for more."""


TRAINING_AGAIN = (TRAINING, replace(TRAINING, seed=2), replace(TRAINING, seed=3))
"""The training world three times over; what a detector of movements is taught by."""

TRAINING_MIX = (
    TRAINING,
    replace(
        TRAINING,
        seed=102,
        constants=replace(
            TRAINING.constants,
            standing_offset=0.5,
            standing_offset_times=8,
            erp_late=0.15,
            demand_multiplier=1.3,
        ),
    ),
    replace(
        TRAINING,
        seed=103,
        constants=replace(
            TRAINING.constants,
            standing_offset=0.8,
            standing_offset_times=15,
            source_lag_s=(20, 400),
            publish_period_s=(600, 2700, 10_800),
        ),
    ),
    replace(
        TRAINING,
        seed=107,
        constants=replace(
            TRAINING.constants,
            fault_multiplier=0.7,
            standing_offset=0.5,
            standing_offset_times=10,
            erp_late=0.3,
            erp_posting_s=2700,
            publish_period_s=(1200, 2700, 14_400),
            silent=0.3,
        ),
    ),
)
"""What a detector of differences is taught by: the training world, two with records off for good by far more, and one
whose ERP also posts late."""


def _held_out_rates() -> Mapping[str, FaultRate]:
    """Another mix: rare kinds are twice as common, common ones half, and people take longer."""
    return MappingProxyType(
        {
            kind: FaultRate(rate.per_day * (0.5 if rate.per_day > 0.2 else 2.0), rate.cured_after_h * 1.4)
            for kind, rate in _fault_rates().items()
        }
    )


HELD_OUT = Scenario(
    seed=99_991,
    days=14,
    skus=160,
    start=datetime(2026, 9, 6, 18, tzinfo=UTC),
    constants=Constants(
        faults=_held_out_rates(),
        wordings=("b",),
        evidence_hidden=0.40,
        text_empty=0.15,
        silent=0.30,
        publish_period_s=(1200, 3600, 21_600),
        erp_posting_s=3600,
        erp_late=0.12,
        source_lag_s=(10, 280),
        demand_multiplier=1.8,
        dispersion=4.0,
        zipf=1.0,
        channel_split=(0.36, 0.42, 0.08, 0.14),
        standing_offset=0.30,
    ),
)
"""A world with other constants, other wordings and another fault mix, for tests of what was trained."""

HARD = replace(
    HELD_OUT,
    seed=770_001,
    days=42,
    skus=80,
    constants=replace(
        HELD_OUT.constants,
        fault_multiplier=0.22,
        open_at_end=0,
        standing_offset=0.8,
        standing_offset_times=50,
        erp_late=0.2,
        source_lag_s=(30, 600),
        surge_from_day=35,
    ),
)
"""Few faults among large differences that are none: most records are off for good, and postings come late."""

UNFORESEEN_WORLD = replace(
    HARD,
    seed=880_001,
    days=28,
    constants=replace(
        HARD.constants,
        faults=MappingProxyType(
            {kind: replace(rate, per_day=0.35 * rate.per_day) for kind, rate in _held_out_rates().items()}
            | {
                "cross_dock_scan": FaultRate(0.3, 12.0),
                "half_applied_kit": FaultRate(0.3, 12.0),
                "measure_mix_up": FaultRate(0.3, 24.0),
                "clock_skew": FaultRate(0.15, 12.0),
                "partial_outage": FaultRate(0.25, 8.0),
            }
        ),
        fault_multiplier=1.0,
        kits_per_day=2.0,
        surge_from_day=None,
    ),
)
"""Beside the faults of a hard world those that nobody reports and no feature was made for; never trained on."""

CLEAN = replace(SAMPLE, constants=Constants(fault_multiplier=0.0, open_at_end=0, transient_failures_per_day=0.0))
"""The sample without a single fault."""


EXPECTING = Scenario(
    seed=31_337,
    days=42,
    skus=120,
    start=_START,
    constants=Constants(
        faults=MappingProxyType(
            {
                "late_confirmation": FaultRate(0.35, 14.0),
                "silent_source": FaultRate(0.14, 4.0),
                "stuck_return": FaultRate(0.30, 72.0),
                "lost_transfer": FaultRate(0.25, 72.0),
            }
        ),
        transient_failures_per_day=0.0,
        silent=1.0,
        opens=6,
        closes=20,
        works_weekends=False,
        ships_while_open=True,
    ),
)
"""Warehouses closed at night and on weekends, and faults that are known only by what is missing."""

UNSOLD = replace(
    EXPECTING,
    days=56,
    skus=60,
    constants=replace(
        EXPECTING.constants,
        faults=MappingProxyType({"phantom_stock": FaultRate(0.4, 504.0), "silent_source": FaultRate(0.05, 4.0)}),
        open_at_end=0,
    ),
)
"""Eight weeks in which stock is in every book and on no shelf, for up to three weeks, and sources fall silent."""

UNDISTURBED = replace(EXPECTING, constants=replace(EXPECTING.constants, fault_multiplier=0.0, open_at_end=0))
"""The same without a fault: whatever is found missing here is not."""
