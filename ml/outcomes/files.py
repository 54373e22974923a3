"""A model of boosted trees as files: the trees by skops, the rest as JSON. One folder is one version."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import skops.io

from ml.registry.estimator_files import write_estimator
from ml.registry.manifest import ModelRefused

TREES = "trees.skops"
FORMAT = 1
Trees = TypeVar("Trees")


@dataclass(frozen=True)
class Kind(Generic[Trees]):
    """What a folder must hold: trees of a class, from ``allowed`` types, on ``features``, the rest in ``sidecar``."""

    trees: type[Trees]
    allowed: Sequence[str]
    features: Sequence[str]
    sidecar: str

    def save(self, trees: Trees, told: Mapping[str, Any], folder: Path) -> None:
        """Write ``trees`` and what else is ``told`` of them. Raises ``OSError``."""
        write_estimator(trees, folder / TREES)
        said = {"format": FORMAT, "features": self.features, **told}
        (folder / self.sidecar).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")

    def load(self, folder: Path) -> tuple[Trees, Mapping[str, Any]]:
        """The trees in ``folder`` and what else was told of them.

        Raises:
            ModelRefused: a file is missing or broken, holds a type not allowed, or the features are others now.
        """
        try:
            said: Mapping[str, Any] = json.loads((folder / self.sidecar).read_text(encoding="utf-8"))
            trees = skops.io.load(folder / TREES, trusted=list(self.allowed))
            fits = said["format"] == FORMAT and said["features"] == list(self.features)
        except Exception as error:  # whatever a broken or foreign file provokes, the answer is the same
            raise ModelRefused(folder, str(error)) from error
        if not fits or not isinstance(trees, self.trees) or vars(trees).get("n_features_in_") != len(self.features):
            raise ModelRefused(folder, "it was made from other features than this version has")
        return trees, said
