"""Master data of the simulated distributor: what it sells, how it packs it, and what others call it."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.random import Generator

from simulation.scenario import CHANNELS, LOCATIONS, Constants, Scenario
from simulation.world import Rows

_CATEGORIES = (
    ("MUG", "Mug", ("white", "blue", "sand", "black"), 9.0),
    ("LMP", "Desk lamp", ("small", "tall", "clamp"), 38.0),
    ("TWL", "Bath towel", ("50 cm", "70 cm", "100 cm"), 16.0),
    ("KNF", "Kitchen knife", ("12 cm", "18 cm", "24 cm"), 29.0),
    ("BAG", "Backpack", ("15 l", "25 l", "40 l"), 59.0),
    ("CBL", "Charging cable", ("1 m", "2 m", "3 m"), 7.5),
    ("SHL", "Wall shelf", ("oak", "pine", "white"), 45.0),
    ("TOY", "Building set", ("farm", "harbour", "space"), 34.0),
    ("DRL", "Cordless drill", ("12 V", "18 V"), 119.0),
    ("TEA", "Loose tea", ("green", "black", "herbs"), 6.5),
)
_VARIANTS = "ABCDEFGH"
_PACKS = (6, 12, 24)
USD_PER_EUR = Decimal("1.09")


@dataclass(frozen=True, slots=True)
class Item:
    """One SKU. ``lines_per_day`` is its mean demand in order lines; ``margin`` in the reporting currency."""

    index: int
    sku: str
    description: str
    price: Decimal
    cost: Decimal
    currency: str
    margin: float
    supplier: int
    gtin: str
    pack: int
    bought_in_cases: bool
    wms_code: str
    lines_per_day: float
    listed: tuple[bool, bool, bool]
    erp_offset: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Supplier:
    """``lead_days`` is the promised lead time; ``late`` the chance of missing it."""

    name: str
    lead_days: float
    late: float


def gtin13(number: int) -> str:
    """The thirteen-digit GTIN of ``number``, with its check digit (GS1 General Specifications, 7.9)."""
    body = f"400{number:09d}"
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"{body}{-weighted % 10}"


def make_suppliers(rng: Generator) -> list[Supplier]:
    """Eight suppliers, some quicker and some more reliable than others."""
    return [
        Supplier(f"SUP-{number:02d}", float(rng.uniform(1.5, 4.5)), float(rng.uniform(0.05, 0.35)))
        for number in range(1, 9)
    ]


def make_items(scenario: Scenario, rng: Generator, suppliers: int) -> list[Item]:
    """The SKUs of a scenario; a few sell much, most sell little."""
    constants, count = scenario.constants, scenario.skus
    weights = np.arange(1, count + 1, dtype=float) ** -constants.zipf
    lines = constants.lines_per_day_100_skus * constants.demand_multiplier * count / 100 * weights / weights.sum()
    rng.shuffle(lines)
    return [_item(index, float(lines[index]), constants, rng, suppliers) for index in range(count)]


def _item(index: int, lines_per_day: float, constants: Constants, rng: Generator, suppliers: int) -> Item:
    prefix, noun, variants, price_level = _CATEGORIES[index % len(_CATEGORIES)]
    family, variant = divmod(index // len(_CATEGORIES), len(variants))
    price = Decimal(str(round(price_level * float(rng.lognormal(0, 0.35)), 2)))
    cost = (price * Decimal(str(round(float(rng.uniform(0.5, 0.8)), 3)))).quantize(Decimal("0.01"))
    currency = "USD" if rng.random() < 0.12 else "EUR"
    margin = float(price - cost) / (float(USD_PER_EUR) if currency == "USD" else 1.0)
    off = rng.random() < constants.standing_offset
    offsets = (int(rng.choice([-3, -2, -1, 1, 2, 3])), int(rng.choice([-1, 0, 0, 1]))) if off else (0, 0)
    offsets = (offsets[0] * constants.standing_offset_times, offsets[1] * constants.standing_offset_times)
    return Item(
        index=index,
        sku=f"{prefix}-{1000 + 17 * family}-{_VARIANTS[variant]}",
        description=f"{noun}, model {1000 + 17 * family}, {variants[variant]}",
        price=price,
        cost=cost,
        currency=currency,
        margin=margin,
        supplier=int(rng.integers(suppliers)),
        gtin=gtin13(7_000_000 + 13 * index),
        pack=int(rng.choice(_PACKS)),
        bought_in_cases=bool(rng.random() < 0.5),
        wms_code=f"{200_000 + 37 * index}" if rng.random() < 0.25 else "",
        lines_per_day=lines_per_day,
        listed=(bool(rng.random() < 0.95), bool(rng.random() < 0.75), bool(rng.random() < 0.45)),
        erp_offset=offsets,
    )


def master_data(scenario: Scenario, items: list[Item], suppliers: list[Supplier]) -> dict[str, Rows]:
    """The master data tables, in the interchange formats, as they stand before anyone corrects anything."""
    constants = scenario.constants
    skus: Rows = [
        {
            "sku": item.sku,
            "base_uom": "EA",
            "description": item.description,
            "unit_price": item.price,
            "unit_cost": item.cost,
            "currency": item.currency,
            "supplier": suppliers[item.supplier].name,
            "gtin": item.gtin,
            "lot_controlled": False,
        }
        for item in items
    ]
    names = {"EAST": "01", "WEST": "02"}
    return {
        "skus": skus,
        "uom": [{"sku": item.sku, "uom": "CS", "factor": item.pack} for item in items],
        "aliases": [
            {"system": "wms", "external_sku": item.wms_code, "sku": item.sku} for item in items if item.wms_code
        ],
        "locations": [
            {
                "location": location,
                "kind": "warehouse",
                "stock_control": "strict",
                "system": "wms",
                "external_location": names[location],
            }
            for location in LOCATIONS
        ],
        "rates": [
            {"currency": "EUR", "per_reporting_unit": Decimal(1), "as_of": scenario.start},
            {"currency": "USD", "per_reporting_unit": USD_PER_EUR, "as_of": scenario.start},
        ],
        "channels": [
            {
                "channel": channel,
                "kind": channel,
                "priority": place + 1,
                "share": constants.share[place],
                "buffer": constants.buffer[place],
                "mode": "shadow",
                "oversell_penalty": Decimal(str(constants.oversell_penalty[place])),
                "system": channel,
            }
            for place, channel in enumerate(CHANNELS)
        ],
        "suppliers": [{"supplier": supplier.name} for supplier in suppliers],
    }
