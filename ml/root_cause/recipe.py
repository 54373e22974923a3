"""What a training of the root-cause classifier may be changed in."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from core_sync.errors import VerbRefused


@dataclass(frozen=True)
class Recipe:
    """How much to train on and how; the defaults are the shipped model's."""

    worlds: int = 3
    """Simulated distributors whose failures are trained on, one seed each."""
    texts: int = 50_000
    """Messages written for the text model."""
    evidence_rows: int = 12_000
    """Failures whose evidence is made up for the trees, beside the simulated ones."""
    held_out: int = 4_000
    """Messages of phrases never trained on, for calibration, and as many again for the figures."""
    text_strength: float = 16.0
    """Inverse of the ridge penalty of the text model."""
    text_counts: float = 3.0
    """How much the counts of words in each cause weigh beside what tells causes apart."""
    text_rounds: int = 60
    words_dropped: float = 0.3
    """Share of the words left out of every second written message, so that no single word is relied on."""
    trees: int = 60
    leaves_a_tree: int = 12
    alpha: float = 0.05
    """Chance of a miss that the conformal sets are built for: a smaller one leaves more to people."""


PARAMETERS: tuple[str, ...] = tuple(field.name for field in fields(Recipe))


def recipe_with(changes: Mapping[str, str]) -> Recipe:
    """The shipped recipe with ``changes``: numbers as text by the name of a parameter.

    Raises:
        VerbRefused: there is no such parameter, or its value is not a positive number of its kind.
    """
    told: dict[str, int | float] = {}
    kinds = {field.name: type(field.default) for field in fields(Recipe)}
    for name, value in changes.items():
        if name not in kinds:
            raise VerbRefused("train with", name, f"there is no such parameter; there are {', '.join(PARAMETERS)}")
        kind = "a whole number" if kinds[name] is int else "a number"
        try:
            told[name] = int(value) if kinds[name] is int else float(value)
        except ValueError as error:
            raise VerbRefused("train with", f"{name}={value}", f"it is not {kind}") from error
        if not told[name] > 0:
            raise VerbRefused("train with", f"{name}={value}", "it must be above 0")
    return replace(Recipe(), **told)  # type: ignore[arg-type]  # each value was made to its field's own kind
