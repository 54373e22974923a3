"""The figures behind an amount: each with its unit, and where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Basis(StrEnum):
    """How a figure is known."""

    GIVEN = "given"
    """Stated by master data, a snapshot or whoever asked."""
    MEASURED = "measured"
    """Estimated from what happened to this very SKU, channel, cause or supplier."""
    POOLED = "pooled"
    """Estimated from its category or from all of its kind, for want of enough of its own."""
    ASSUMED = "assumed"
    """Nothing is known: the note says what was taken instead."""
    COMPUTED = "computed"
    """Follows from the other terms."""
    UNKNOWN = "unknown"
    """Nothing is known and nothing could be taken instead; what depends on it is unknown too."""


@dataclass(frozen=True)
class Term:
    """One figure: ``value`` in ``unit`` (None exactly when unknown), its basis, and what a reader should know."""

    value: float | None
    unit: str
    basis: Basis
    note: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) != (self.basis is Basis.UNKNOWN):
            raise ValueError(f"a figure is missing exactly when it is unknown, not {self.value} ({self.basis})")
        if self.basis in (Basis.ASSUMED, Basis.UNKNOWN) and not self.note:
            raise ValueError("what is assumed or unknown must be said in words")


Terms = Mapping[str, Term]


def unknown(unit: str, note: str) -> Term:
    """A figure nobody has."""
    return Term(None, unit, Basis.UNKNOWN, note)


def value_of(terms: Terms, name: str) -> float | None:
    """The figure of the term ``name``; None where it is unknown or nobody speaks of it."""
    term = terms.get(name)
    return None if term is None else term.value


def as_json(terms: Terms) -> dict[str, dict[str, float | str | None]]:
    """``{name: {value, unit, basis, note}}``, values to six significant digits; the note only where there is one."""
    shown: dict[str, dict[str, float | str | None]] = {}
    for name, term in terms.items():
        value = None if term.value is None else float(f"{term.value:.6g}")
        shown[name] = {"value": value, "unit": term.unit, "basis": term.basis.value}
        if term.note:
            shown[name]["note"] = term.note
    return shown
