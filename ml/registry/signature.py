"""What each model takes and gives, as MLflow writes it down beside the artefacts."""

from dataclasses import dataclass

from ml.anomaly.specification import DELTA, MOVEMENT
from ml.fulfilment.orders import FEATURES as OF_ORDERS
from ml.root_cause.evidence import FIELDS, NUMBERS
from ml.root_cause.told import COLUMNS
from ml.suppliers.deliveries import FEATURES as OF_DELIVERIES


@dataclass(frozen=True)
class Signature:
    """Names of columns with their kind: ``string``, ``double`` or ``boolean``. Every input may be missing."""

    takes: tuple[tuple[str, str], ...]
    gives: tuple[tuple[str, str], ...]


_KINDS = {"probability": "double", "abstained": "boolean"}


def signature_of(name: str) -> Signature:
    """The signature of the model ``name``."""
    if name == "root_cause":
        takes = tuple((field, "double" if field in NUMBERS else "string") for field in FIELDS)
        return Signature(takes, tuple((column, _KINDS.get(column, "string")) for column in COLUMNS))
    if name == "supplier_lateness":
        return Signature(tuple((feature, "double") for feature in OF_DELIVERIES), (("probability", "double"),))
    if name == "fulfilment_latency":
        return Signature(tuple((feature, "double") for feature in OF_ORDERS), (("hours", "double"),))
    features = {"delta_detector": DELTA, "movement_detector": MOVEMENT}[name].features.names
    return Signature(tuple((feature, "double") for feature in features), (("score", "double"),))
