"""Templates and how they say figures: money with currency, quantities with unit, moments with age."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.exposure_terms import figure_and_unit

HERE = Path(__file__).parent

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, told: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """A page from a template."""
    return HTMLResponse(rendered(template, told), status)


def rendered(template: str, told: Mapping[str, Any]) -> str:
    """A template filled in; whatever is told stays text."""
    return _ENVIRONMENT.get_template(template).render(**told)


def money(amount: Decimal | float | None, currency: str | None) -> str:
    """An amount with its currency; a dash where it is not known."""
    return "not known" if amount is None else f"{amount:,.2f} {currency or ''}".strip()


def share(part: float | None) -> str:
    """A probability or ratio as a percentage; small ones with as many digits as they need."""
    if part is None:
        return "–"
    return f"{part:.0%}" if part >= 0.01 or part == 0 else f"{part:.2g}"


def percent(part: float | None) -> str:
    """A rate of few in a hundred, in per cent with three figures."""
    return "–" if part is None else f"{100 * part:.3g} %"


def moment(at: datetime | None) -> str:
    """A moment in UTC, to the minute."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if at is not None else "–"


def span(seconds: float) -> str:
    """A span of time in its two-digit unit: 40 s, 12 min, 5 h, 3 d."""
    for unit, length, below in (("s", 1, 90), ("min", 60, 5_400), ("h", 3_600, 172_800)):
        if seconds < below:
            return f"{max(seconds, 0) / length:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def age(since: datetime, at: datetime) -> str:
    """How long ago ``since`` was."""
    return span((at - since).total_seconds())


def words(name: str | None) -> str:
    """A name of ours as words."""
    return (name or "").replace("_", " ")


def figure(value: object) -> str:
    """A number or any other value, as a person reads it."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"
    return moment(value) if isinstance(value, datetime) else str(value)


def units(count: float | None) -> str:
    """Whole units."""
    return "–" if count is None else f"{count:,.0f}"


def hours(length: float | None) -> str:
    """A span told in hours, in its two-digit unit."""
    return "–" if length is None else span(length * 3_600)


def plain(value: float) -> str:
    """A number as a field of a form takes it."""
    return f"{value:.12g}"


_ENVIRONMENT.filters |= {
    "money": money, "units": units, "hours": hours, "plain": plain, "share": share, "percent": percent,
    "moment": moment, "words": words, "figure": figure, "age": age, "span": span,
    "figure_and_unit": figure_and_unit,
}  # fmt: skip
