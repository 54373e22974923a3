"""Labelled failures that no training sees, so that a model can be measured on what the user's own people said.

A fifth of them, chosen by the failure's id alone, so it stays the same fifth. Many will be worded as others that were
trained on: that is what tomorrow's failures of the same systems will be, too.
"""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import Connection

from ml.labels.training_set import training_set
from ml.registry.evaluation_sets import FailureSet
from ml.root_cause.causes import CAUSES, RootCause
from ml.root_cause.evidence import evidence_from

LEAST = 60
"""Fewer held-out failures than these say too little to be measured on."""
_HELD_OUT = 5


def is_held_out(failure: str) -> bool:
    """Whether the failure with this id is kept from every training."""
    return zlib.crc32(failure.encode()) % _HELD_OUT == 0


def labels_to_train_on(connection: Connection, as_of: datetime) -> list[Mapping[str, Any]]:
    """Failures whose label was ripe as of ``as_of``, without those that are held out."""
    return [row for row in training_set(connection, as_of) if not is_held_out(str(row["id"]))]


def labels_to_measure_on(connection: Connection, as_of: datetime) -> FailureSet | None:
    """Those that are held out; None where there are fewer than ``LEAST``."""
    rows = [row for row in training_set(connection, as_of) if is_held_out(str(row["id"]))]
    if len(rows) < LEAST:
        return None
    truth = np.array([CAUSES.index(RootCause(row["root_cause"])) for row in rows], dtype=np.intp)
    return FailureSet("your own labels", _digest(rows), [evidence_from(row) for row in rows], truth)


def _digest(rows: Sequence[Mapping[str, Any]]) -> str:
    told = [[row["id"], row["message"], row["root_cause"]] for row in rows]
    return sha256(msgspec.json.encode(told)).hexdigest()[:12]
