"""A model of lateness as files."""

from datetime import datetime
from pathlib import Path

from sklearn.ensemble import HistGradientBoostingClassifier

from ml.outcomes.files import Kind
from ml.registry.boosted_types import OF_TWO_CLASSES
from ml.registry.manifest import ModelRefused
from ml.suppliers.deliveries import FEATURES
from ml.suppliers.lateness import Lateness

SIDECAR = "lateness.json"
_KIND = Kind(HistGradientBoostingClassifier, OF_TWO_CLASSES, FEATURES, SIDECAR)


def save(model: Lateness, folder: Path) -> None:
    """Write ``model`` into ``folder``. Raises ``OSError``."""
    _KIND.save(model.trees, {"until": model.until.isoformat(), "off": model.off}, folder)


def load(folder: Path) -> Lateness:
    """The model in ``folder``.

    Raises:
        ModelRefused: a file is missing or broken, holds a type that is not allowed, or the features are others now.
    """
    trees, said = _KIND.load(folder)
    try:
        return Lateness(trees, datetime.fromisoformat(said["until"]), float(said["off"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelRefused(folder, f"{SIDECAR}: {error}") from error
