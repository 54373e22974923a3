"""What a signal puts at stake: how many units a channel shows, and how many it truly may sell. Pure.

A channel's wrong figure speaks for itself. A disagreement between the books of two systems leaves
open who is right, so each counts with an even belief, unless the reconciliation rule of the one that reports says
whose figure wins. A failure that keeps a listing from being
updated leaves it showing what it showed, while the stock behind it moves on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

EVEN_BELIEF = 0.5
"""Without a reconciliation rule each of two disagreeing systems is as likely to be right."""

AVAILABLE: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(
        ("receipt", "transfer_in", "restock", "release_reservation", "release_hold", "order_cancelled", "adjust"), 1
    )
    | dict.fromkeys(("ship", "transfer_out", "scrap", "reserve", "hold"), -1)
)
"""What one unit of a movement does to available stock; of the others none, or none that can be told (a count)."""

OF_AVAILABLE: Mapping[str, int] = MappingProxyType({"allocated": -1, "quality_hold": -1, "in_transit": 0})
"""What one unit more of a state makes of available stock; of on hand and available one more."""

STALE = "stale_reservation"
"""The cause that leaves units reserved for nobody, whoever tells of it."""

UNSERVED = "out_of_stock"
"""The subclass of an order that was taken and for which there is nothing. It counts where an order is named: the
quantity of an update that was refused is no order's."""

LEDGER, RESERVATION, EXPECTED = "ledger.", "reservation", "expect."
"""How operations are called that the ledger holds, those of a reservation that is stale, and what has not come."""

UNCOUNTED: Mapping[str, str] = MappingProxyType(
    {
        "return_to_decision": "returned units wait for a decision",
        "transfer_to_arrival": "units sent here may have arrived uncounted",
        "announced_to_receipt": "units announced may have arrived uncounted",
    }
)
"""Expectations whose breach may mean units that could be sold and are not promised; picked goods are reserved."""


@dataclass(frozen=True, slots=True)
class Stake:
    """One channel's figure for one SKU: shown, truly there, and how far that is believed (0 to 1)."""

    sku: str
    channel: str
    published: int
    available: int
    belief: float
    why: str
    pool: int | None = None
    """Units of stock that several channels draw on and that are wrong in all; None where a listing alone is."""
    frozen: bool = False
    """The listing takes no updates: what is truly there goes on changing, and its figure does not follow."""
    unheard: bool = False
    """Movements of the SKU have no effect as long as it lasts: goods may come in and not be promised."""
    order: str = ""
    """The order that is taken and cannot be served: its units are oversold for sure, whatever is asked from now on."""


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """What a signal says of quantities; None where it does not say."""

    kind: str
    sku: str
    channel: str = ""
    location: str = ""
    operation: str = ""
    error_code: str = ""
    quantity: int | None = None
    expected: int | None = None
    actual: int | None = None
    winner: str = ""
    """Whose figure the reconciliation rule believes; empty where nobody has said."""
    believed: int | None = None
    """That figure, as of the same moment."""
    state: str = ""
    """Which state of the stock a difference is of."""
    root_cause: str = ""
    """What is thought to be behind a failure."""
    first_quantity: int | None = None
    """What its source said first under the id that it has used again."""
    effect: int | None = None
    """What events told under a name that nobody knows would do to available stock, all together."""
    is_reserved: bool = False
    """The units that were shipped are still reserved for the same order: they are promised to nobody else."""
    subclass: str = ""
    document: str = ""


@dataclass(frozen=True)
class Shown:
    """By (channel, SKU): what each channel may promise now, and what it last said that it shows."""

    promised: Mapping[tuple[str, str], int] = field(default_factory=dict)
    shown: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def channels_of(self, sku: str) -> Sequence[str]:
        """The channels that sell ``sku``, in order."""
        return self._channels.get(sku, ())

    @cached_property
    def _channels(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for channel, sku in sorted({*self.promised, *self.shown}):
            found.setdefault(sku, []).append(channel)
        return found

    def promise(self, channel: str, sku: str) -> int:
        """What ``channel`` may promise, 0 when nothing is known."""
        return self.promised.get((channel, sku), 0)

    def figure(self, channel: str, sku: str) -> int:
        """What ``channel`` shows, its promise when it never said."""
        return self.shown.get((channel, sku), self.promise(channel, sku))


def stakes_of(signal: SignalFacts, shown: Shown) -> list[Stake]:
    """What one signal puts at stake, one stake a channel."""
    return list(_of_signal(signal, shown))


def _of_signal(signal: SignalFacts, shown: Shown) -> Iterable[Stake]:
    if not signal.sku:
        return []
    if signal.kind == "delta" and signal.expected is not None and signal.actual is not None:
        return _of_delta(signal, signal.actual - signal.expected, shown)
    if signal.kind == "movement" and signal.actual is not None:
        return _of_doubt(signal, -signal.actual, shown, "the movement may not have happened as told")
    if signal.operation.startswith(LEDGER):
        return _of_held_event(signal, shown)
    if signal.operation.startswith(EXPECTED):
        why = UNCOUNTED.get(signal.operation.removeprefix(EXPECTED))
        return _of_doubt(signal, signal.quantity or 0, shown, why) if why else []
    if signal.subclass == UNSERVED and signal.document and signal.channel and signal.quantity:
        return _of_order(signal, signal.quantity)
    if signal.operation == RESERVATION or (signal.root_cause == STALE and signal.quantity):
        return _of_stale(signal, signal.quantity or 0, shown)
    return _of_listing(signal, shown)


def _of_delta(signal: SignalFacts, difference: int, shown: Shown) -> Iterable[Stake]:
    if signal.channel:
        right = max(0, signal.actual - difference if signal.actual is not None else 0)
        yield Stake(
            signal.sku, signal.channel, max(0, signal.actual or 0), right, 1.0, "the channel shows another figure"
        )
        return
    of_available = OF_AVAILABLE.get(signal.state, 1)
    if signal.believed is not None and signal.expected is not None:
        why = f"two systems disagree on the stock, and the figure of {signal.winner} wins"
        yield from _of_doubt(signal, of_available * (signal.believed - signal.expected), shown, why, belief=1.0)
        return
    yield from _of_doubt(signal, of_available * difference, shown, "two systems disagree on the stock")


def _of_doubt(
    signal: SignalFacts, difference: int, shown: Shown, why: str, belief: float = EVEN_BELIEF
) -> Iterable[Stake]:
    """Our figure may be wrong by ``difference`` on every channel that draws on it."""
    for channel in shown.channels_of(signal.sku):
        promised = shown.promise(channel, signal.sku)
        yield Stake(signal.sku, channel, promised, max(0, promised + difference), belief, why, abs(difference))


def _of_held_event(signal: SignalFacts, shown: Shown) -> Iterable[Stake]:
    """A movement without effect yet, on every channel: for sure unless it may be a repeat."""
    units = 0 if signal.is_reserved else (signal.quantity or 0) - (signal.first_quantity or 0)
    effect = effect_of(signal.operation, units) if signal.effect is None else signal.effect
    if not effect and signal.effect is None:
        return
    certain = signal.error_code not in ("business_key", "id_conflict")
    for channel in shown.channels_of(signal.sku):
        promised = shown.promise(channel, signal.sku)
        why = "a movement of this SKU has no effect yet" if certain else "a repeated movement may be a real one"
        believed = 1.0 if certain else EVEN_BELIEF
        there = max(0, promised + effect)
        yield Stake(signal.sku, channel, promised, there, believed, why, abs(effect), unheard=signal.effect is not None)


def effect_of(operation: str, units: int) -> int:
    """What a held movement of ``units`` would do to available stock."""
    return AVAILABLE.get(operation.removeprefix(LEDGER), 0) * units


def _of_order(signal: SignalFacts, quantity: int) -> Iterable[Stake]:
    """An order that was taken and cannot be served is an oversell of its own quantity."""
    why = f"an order of {quantity} units is taken and cannot be served"
    yield Stake(signal.sku, signal.channel, quantity, 0, 1.0, why, order=signal.document)


def _of_stale(signal: SignalFacts, quantity: int, shown: Shown) -> Iterable[Stake]:
    """Units reserved for nobody: every channel promises too little."""
    for channel in shown.channels_of(signal.sku):
        promised = shown.promise(channel, signal.sku)
        why = "units are reserved for nobody"
        yield Stake(signal.sku, channel, promised, promised + quantity, 1.0, why, quantity)


def _of_listing(signal: SignalFacts, shown: Shown) -> Iterable[Stake]:
    """An update that did not arrive: the listing still shows what it showed.

    Of what goes wrong in the books, listings are off by no more units than that is about.
    """
    for channel in [signal.channel] if signal.channel else shown.channels_of(signal.sku):
        figure, promised = shown.figure(channel, signal.sku), shown.promise(channel, signal.sku)
        if signal.channel:
            yield Stake(signal.sku, channel, figure, promised, 1.0, "the update did not arrive", frozen=True)
            continue
        most = abs(figure - promised) if signal.quantity is None else abs(signal.quantity)
        right = min(max(promised, figure - most), figure + most)
        yield Stake(signal.sku, channel, figure, right, 1.0, "the channel shows another figure than it may")


def gap(stake: Stake) -> float:
    """Units by which the listing is wrong, as far as that is believed."""
    return abs(stake.published - stake.available) * stake.belief
