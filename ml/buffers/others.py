"""What everyone else asks of the stock that a channel shows."""

from collections.abc import Collection

from ml.exposure.demand import DemandBook
from ml.exposure.situation import ChannelDemand
from ml.exposure.terms import Basis, Term, unknown


def others_demand(book: DemandBook, sku: str, channel: str, channels: Collection[str]) -> ChannelDemand:
    """The demand of all ``channels`` but ``channel`` together.

    The name "" stands for demand that passes no channel. Rates add; the dispersion is their mean, weighted by rate.
    Channels without a known demand are left out and named; where none is known, neither is the sum. A channel that is
    alone has no others: a demand of 0.
    """
    rest = sorted(set(channels) - {channel})
    if not rest:
        alone = Term(0.0, "units/day", Basis.GIVEN, "no other channel draws on this stock")
        return ChannelDemand(alone, Term(1.0, "variance/mean", Basis.GIVEN, "no other demand"))
    demands = {name: book.of(sku, name) for name in rest}
    known = {name: one for name, one in demands.items() if one.rate_per_day.value is not None}
    if not known:
        return ChannelDemand(
            unknown("units/day", f"no demand history of {sku} on any of {', '.join(map(_told, rest))}"),
            unknown("variance/mean", "no demand history"),
        )
    rate = sum(one.rate_per_day.value or 0.0 for one in known.values())
    note = ", ".join(_rate(name, one.rate_per_day) for name, one in known.items())
    blind = [name for name in rest if name not in known]
    if blind:
        note += f"; nothing known of {', '.join(map(_told, blind))}"
    own = all(one.rate_per_day.basis is Basis.MEASURED for one in known.values()) and not blind
    summed = Term(rate, "units/day", Basis.MEASURED if own else Basis.POOLED, note)
    return ChannelDemand(summed, _dispersion(list(known.values()), rate))


def _told(channel: str) -> str:
    return channel or "direct sales"


def _rate(channel: str, rate: Term) -> str:
    borrowed = " (not its own: that of its category or channel)" if rate.basis is Basis.POOLED else ""
    return f"{_told(channel)} {rate.value:.3g}{borrowed}"


def _dispersion(demands: Collection[ChannelDemand], rate: float) -> Term:
    pairs = ((one.dispersion.value, one.rate_per_day.value or 0.0) for one in demands)
    told = [(dispersion, weight) for dispersion, weight in pairs if dispersion is not None]
    weights = sum(weight for _, weight in told)
    if not told or (rate > 0 and weights == 0):
        return unknown("variance/mean", "no channel has history enough for a dispersion")
    value = sum(d * w for d, w in told) / weights if weights > 0 else max(d for d, _ in told)
    return Term(value, "variance/mean", Basis.POOLED, "mean over the other channels, weighted by their rates")
