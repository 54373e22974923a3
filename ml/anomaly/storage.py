"""A detector as files: the forest by skops, its arrays by npz, the rest as JSON. One folder is one version.

Nothing here unpickles: skops builds only the types named below, npz is read without objects.
"""

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from ml.anomaly import prior as priors
from ml.anomaly.detector import Detector
from ml.anomaly.specification import Context, Specification
from ml.anomaly.tails import Tails
from ml.features.definitions import FEATURE_SETS
from ml.features.feature import Tail
from ml.registry.estimator_files import write_estimator
from ml.registry.manifest import ModelRefused

FOREST, ARRAYS, SIDECAR = "forest.skops", "detector.npz", "detector.json"
ALLOWED_TYPES = ("sklearn.tree._tree.Tree",)
"""What a forest file may hold beside the plain types that skops knows."""
FORMAT = 1


def save(detector: Detector, folder: Path) -> None:
    """Write ``detector`` into ``folder``, which is made if needed. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_estimator(detector.forest, folder / FOREST)
    if detector.prior is not None:
        write_estimator(detector.prior.boosted, folder / priors.FILE)
    arrays: dict[str, NDArray[np.floating[Any]]] = {"calibration": detector.calibration}
    for name, tails in {"": detector.forest_tails, **detector.tails}.items():
        arrays |= {f"{part}:{name}": getattr(tails, part) for part in ("values", "at_least", "at_most")}
    if detector.mixture is not None:
        arrays["mixture"] = detector.mixture
    np.savez_compressed(folder / ARRAYS, **arrays)  # type: ignore[arg-type]  # the stub takes the names for its own
    specification = detector.specification
    said = {
        "format": FORMAT,
        "feature_set": specification.features.name,
        "features": specification.features.names,
        "feature_digest": specification.features.digest,
        "specification": {key: value for key, value in asdict(specification).items() if key != "features"},
        "prior_columns": [] if detector.prior is None else detector.prior.columns.tolist(),
        "seed": detector.seed,
        "trained_rows": detector.trained_rows,
        "calibrated_on": len(detector.calibration),
        "made_with": {name: version(name) for name in ("scikit-learn", "numpy", "skops")},
    }
    (folder / SIDECAR).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load(folder: Path) -> Detector:
    """The detector in ``folder``.

    Raises:
        ModelRefused: a file is missing or broken, holds a type that is not allowed, or the features have
            changed their meaning since.
    """
    try:
        said = json.loads((folder / SIDECAR).read_text(encoding="utf-8"))
        specification = specified(said, folder)
        with np.load(folder / ARRAYS, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        forest = skops.io.load(folder / FOREST, trusted=list(ALLOWED_TYPES))
        prior = priors.load_prior(folder, said["prior_columns"]) if said.get("prior_columns") else None
    except ModelRefused:
        raise
    except Exception as error:  # whatever a broken or foreign file provokes, the answer is the same
        raise ModelRefused(folder, str(error)) from error
    if not isinstance(forest, IsolationForest) or forest.n_features_in_ != len(specification.forest):
        raise ModelRefused(folder, "its forest does not fit its features")
    mixture, columns = arrays.get("mixture"), len(specification.forest)
    if mixture is not None and mixture.shape != (3, 2 * columns + 1, columns):
        raise ModelRefused(folder, "what was learnt of its attributions does not fit its features")
    names = [key.partition(":")[2] for key in arrays if key.startswith("values:")]
    tails = {
        name: Tails(arrays[f"values:{name}"], arrays[f"at_least:{name}"], arrays[f"at_most:{name}"]) for name in names
    }
    return Detector(
        specification=specification,
        forest=forest,
        forest_tails=tails.pop(""),
        tails=tails,
        calibration=arrays["calibration"],
        seed=said["seed"],
        trained_rows=said["trained_rows"],
        prior=prior,
        mixture=mixture,
    )


def specified(said: dict[str, Any], folder: Path) -> Specification:
    """The specification a sidecar tells. Raises ``ModelRefused`` where its features are not today's."""
    if said["format"] != FORMAT:
        raise ModelRefused(folder, f"format {said['format']} is not {FORMAT}")
    features = FEATURE_SETS.get(said["feature_set"])
    if features is None or features.digest != said["feature_digest"]:
        raise ModelRefused(folder, f"the features of {said['feature_set']} have changed since it was trained")
    told = dict(said["specification"])
    context = tuple(Context(one["feature"], Tail(one["strange"]), one["weight"]) for one in told.pop("context"))
    forest, prior, background = (tuple(told.pop(key, ())) for key in ("forest", "prior", "background"))
    return Specification(features=features, forest=forest, context=context, prior=prior, background=background, **told)
