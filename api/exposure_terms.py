"""Terms of an exposure as people read them, on a terminal and in the console alike."""

import re
from collections.abc import Mapping
from typing import Any

_MONEY = re.compile(r"[A-Z]{3}(/|$)")

LEAST_SHOWN = 0.01
"""Smaller figures are written out to two significant digits."""


def figure_and_unit(said: Mapping[str, Any]) -> tuple[str, str]:
    """The figure of one term and its unit: shares in per cent, money to the cent, what nobody knows a dash."""
    value, unit = said["value"], str(said["unit"])
    if unit == "share":
        value, unit = value if value is None else 100 * value, "%"
    if value is None:
        return "–", unit
    if 0 < abs(value) < LEAST_SHOWN:
        return f"{value:.2g}", unit
    return f"{value:,.2f}" if _MONEY.match(unit) else f"{value:,.2f}".rstrip("0").rstrip("."), unit
