"""A model of lateness as files: the trees by skops, the rest as JSON. One folder is one version."""

import json
import zipfile
from datetime import datetime
from pathlib import Path

import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier

from ml.registry.boosted_types import OF_TWO_CLASSES
from ml.suppliers.deliveries import FEATURES
from ml.suppliers.lateness import Lateness

TREES, SIDECAR = "trees.skops", "lateness.json"
FORMAT = 1


class ModelRefused(ValueError):
    """The files in ``folder`` are not a model of lateness that this code may use."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"the model of lateness in {folder.name} cannot be used: {reason}")
        self.folder = folder
        self.reason = reason


def save(model: Lateness, folder: Path) -> None:
    """Write ``model`` into ``folder``. Raises ``OSError``."""
    skops.io.dump(model.trees, folder / TREES, compression=zipfile.ZIP_DEFLATED, compresslevel=9)
    said = {"format": FORMAT, "until": model.until.isoformat(), "features": FEATURES, "usual": model.usual}
    (folder / SIDECAR).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> Lateness:
    """The model in ``folder``.

    Raises:
        ModelRefused: a file is missing or broken, holds a type that is not allowed, or the features are others now.
    """
    try:
        said = json.loads((folder / SIDECAR).read_text(encoding="utf-8"))
        trees = skops.io.load(folder / TREES, trusted=list(OF_TWO_CLASSES))
        fits = said["format"] == FORMAT and said["features"] == list(FEATURES)
        model = Lateness(trees, datetime.fromisoformat(said["until"]), tuple(said["usual"]))
    except Exception as error:  # whatever a broken or foreign file provokes, the answer is the same
        raise ModelRefused(folder, str(error)) from error
    if not fits or not isinstance(trees, HistGradientBoostingClassifier) or trees.n_features_in_ != len(FEATURES):
        raise ModelRefused(folder, "it was made from other features than this version has")
    return model
