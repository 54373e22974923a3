"""Score movements when they arrive: woken by this process's own arrivals, and every second for those of others."""

import logging
import threading
from typing import TYPE_CHECKING

from ml.triage.detect import detect

if TYPE_CHECKING:
    from api.wiring import World

_LOG = logging.getLogger("stocktriage.scoring")

LOOK_AGAIN_S = 1.0
"""What other processes took in is looked for this often."""

FAILED_S = 5.0
"""How long to rest after an error; the next triage scores what is left."""


def score_arrivals(world: "World") -> int:
    """Score the movements that have arrived since; returns how many are anomalies.

    Raises:
        ModelRefused: a model is not the one its manifest describes.
    """
    return detect(world.database, world.models, world.clock(), warm=world.scorers, kinds=("movement",))


def keep_scoring(world: "World", stop: threading.Event) -> None:
    """Score what arrives until ``stop`` is set."""
    while not stop.is_set():
        world.arrived.clear()
        try:
            score_arrivals(world)
        except Exception:
            _LOG.exception("score: arrivals could not be scored; the next look tries again")
            stop.wait(FAILED_S)
            continue
        world.arrived.wait(LOOK_AGAIN_S)
