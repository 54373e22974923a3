"""The classifier as files: skops for what scikit-learn fitted, JSON for the recipe around it.

Nothing is unpickled. The types that loading may build are listed here and nowhere else.
"""

import base64
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import skops.io

from core_sync.errors import StocktriageError
from ml.registry.boosted_types import OF_MANY_CLASSES
from ml.registry.estimator_files import write_estimator
from ml.root_cause.causes import CAUSES, LEAVES
from ml.root_cause.classifier import RootCauseClassifier
from ml.root_cause.codes.table import CodeTable, shipped_codes
from ml.root_cause.conformal import Calibration
from ml.root_cause.evidence_matrix import FEATURES
from ml.root_cause.features import BLOCK
from ml.root_cause.fusion import Situation
from ml.root_cause.novelty import BITS, Vocabulary
from ml.root_cause.text import text_model

TEXT, STRUCTURE, RECIPE = "text.skops", "structure.skops", "recipe.json"
FILES = (TEXT, STRUCTURE, RECIPE)
FORMAT = 1
"""Raised whenever features or the recipe change their meaning: an older artefact is then refused, not misread."""


class ArtefactRefused(StocktriageError):
    """The artefact in ``folder`` is not one of ours, or not one this version can read."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"the root-cause model in {folder.name} is refused: {reason}")
        self.folder = folder
        self.reason = reason


def save(classifier: RootCauseClassifier, folder: Path) -> list[Path]:
    """Write ``classifier`` to ``folder``; the files written. The table of codes is not part of it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, estimator in ((TEXT, classifier.text.estimator), (STRUCTURE, classifier.structure)):
        write_estimator(estimator, folder / name)
    (folder / RECIPE).write_text(json.dumps(_recipe(classifier), indent=1) + "\n", encoding="utf-8")
    return [folder / name for name in FILES]


def load(folder: Path, codes: CodeTable | None = None) -> RootCauseClassifier:
    """The classifier in ``folder``, with the shipped table of codes unless another is given.

    Raises:
        ArtefactRefused: a file is missing, holds a type that is not on the list, or is of another format.
    """
    try:
        recipe: dict[str, Any] = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
        expected = _shape()
        if {name: recipe.get(name) for name in expected} != expected:
            raise ArtefactRefused(folder, "it was made for other features, leaves or causes")
        return RootCauseClassifier(
            text=text_model(_estimator(folder, TEXT), float(recipe["text_temperature"])),
            structure=_estimator(folder, STRUCTURE),
            prior=np.array(recipe["prior"], dtype=np.float64),
            temperatures={Situation[name]: float(value) for name, value in recipe["temperatures"].items()},
            calibration=Calibration(
                {
                    Situation[name]: tuple(np.array(scores, dtype=np.float32) for scores in by_class)
                    for name, by_class in recipe["conformal_scores"].items()
                },
                float(recipe["alpha"]),
            ),
            vocabulary=Vocabulary(_unpacked(recipe["vocabulary"]), float(recipe["novelty_threshold"])),
            codes=shipped_codes() if codes is None else codes,
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtefactRefused(folder, repr(error)) from error


def _estimator(folder: Path, name: str) -> Any:
    file = folder / name
    try:
        foreign = set(skops.io.get_untrusted_types(file=file)) - set(OF_MANY_CLASSES)
        if foreign:
            raise ArtefactRefused(folder, f"{name} holds {', '.join(sorted(foreign))}")
        return skops.io.load(file, trusted=list(OF_MANY_CLASSES))
    except zipfile.BadZipFile as error:
        raise ArtefactRefused(folder, f"{name} is no skops file") from error


def _shape() -> dict[str, object]:
    """What an artefact must agree on with the code that reads it."""
    return {
        "format": FORMAT,
        "causes": [cause.value for cause in CAUSES],
        "leaves": list(LEAVES),
        "structured_features": list(FEATURES),
        "text_block": BLOCK,
        "vocabulary_bits": BITS,
    }


def _recipe(classifier: RootCauseClassifier) -> dict[str, object]:
    return _shape() | {
        "text_temperature": classifier.text.temperature,
        "temperatures": {situation.name: value for situation, value in classifier.temperatures.items()},
        "prior": classifier.prior.tolist(),
        "alpha": classifier.calibration.alpha,
        "novelty_threshold": classifier.vocabulary.threshold,
        "conformal_scores": {
            situation.name: [_rounded(scores) for scores in by_class]
            for situation, by_class in classifier.calibration.scores.items()
        },
        "vocabulary": base64.b64encode(np.packbits(classifier.vocabulary.marks).tobytes()).decode(),
    }


def _rounded(scores: Sequence[np.floating[Any]] | np.ndarray) -> list[float]:
    return [round(float(score), 5) for score in scores]


def _unpacked(packed: str) -> np.ndarray:
    bits = np.frombuffer(base64.b64decode(packed), dtype=np.uint8)
    return np.unpackbits(bits)[:BITS].astype(np.bool_)
