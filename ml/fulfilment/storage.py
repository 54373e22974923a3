"""A model of fulfilment latency as files."""

from datetime import datetime
from pathlib import Path

from sklearn.ensemble import HistGradientBoostingRegressor

from ml.fulfilment.latency import Latency
from ml.fulfilment.orders import FEATURES
from ml.outcomes.files import Kind
from ml.registry.boosted_types import OF_A_QUANTILE
from ml.registry.manifest import ModelRefused

SIDECAR = "latency.json"
_KIND = Kind(HistGradientBoostingRegressor, OF_A_QUANTILE, FEATURES, SIDECAR)


def save(model: Latency, folder: Path) -> None:
    """Write ``model`` into ``folder``. Raises ``OSError``."""
    told = {"until": model.until.isoformat(), "correction": model.correction, "off": model.off}
    _KIND.save(model.trees, told, folder)


def load(folder: Path) -> Latency:
    """The model in ``folder``.

    Raises:
        ModelRefused: a file is missing or broken, holds a type that is not allowed, or the features are others now.
    """
    trees, said = _KIND.load(folder)
    try:
        until = datetime.fromisoformat(said["until"])
        return Latency(trees, float(said["correction"]), until, float(said["off"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelRefused(folder, f"{SIDECAR}: {error}") from error
