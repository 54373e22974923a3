"""A row's features as text beside the row, so that what people say of it can be learnt from whenever they say it."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from ml.features.feature import FeatureSet

NOTHING = "{}"


class Described(msgspec.Struct, frozen=True):
    """The features' set, what they meant then, and their values; None where nothing was known."""

    features: str
    digest: str
    values: tuple[float | None, ...]


def as_text(features: FeatureSet, row: NDArray[np.float32]) -> str:
    """The features (k,) of one row."""
    values = tuple(None if np.isnan(value) else float(value) for value in row)
    return msgspec.json.encode(Described(features.name, features.digest, values)).decode()


def as_row(features: FeatureSet, said: str) -> NDArray[np.float32] | None:
    """The features (k,) back; None where there are none, or where they have changed their meaning since."""
    if said == NOTHING:
        return None
    told = msgspec.json.decode(said, type=Described)
    if (told.features, told.digest) != (features.name, features.digest):
        return None
    return np.array([np.nan if value is None else value for value in told.values], dtype=np.float32)
