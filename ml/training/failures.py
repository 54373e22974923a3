"""Failures made for measuring and calibrating: evidence and wording together, in phrases that are never trained on."""

from typing import Any

import numpy as np

from ml.root_cause.causes import LEAVES
from ml.training.evidence import World, evidence_for
from ml.training.wording.writer import leaf_shares, write


def drawn_leaves(count: int, rng: np.random.Generator) -> list[str]:
    """``count`` leaves in the shares of ``leaf_shares``."""
    return [LEAVES[at] for at in rng.choice(len(LEAVES), size=count, p=leaf_shares())]


def written_failures(count: int, rng: np.random.Generator, world: World) -> list[tuple[dict[str, Any], str]]:
    """Fields of failures with their leaf: a third text only, a sixth structure only, half with both."""
    made: list[tuple[dict[str, Any], str]] = []
    for leaf in drawn_leaves(count, rng):
        drawn = rng.random()
        fields = evidence_for(leaf, rng, world) if drawn > 1 / 3 else {}
        if drawn < 5 / 6:
            fields["message"] = write(leaf, rng, held_out=True)
        made.append((fields, leaf))
    return made
