"""A diagnosis as columns: what is written beside a failure."""

from ml.root_cause.diagnosis import Diagnosis

COLUMNS = ("root_cause", "probability", "abstained", "subclass", "reasons")


def as_columns(diagnosis: Diagnosis) -> dict[str, object]:
    """A diagnosis as the columns of ``COLUMNS``."""
    return {
        "root_cause": diagnosis.root_cause.value,
        "probability": round(diagnosis.probability, 6),
        "abstained": diagnosis.abstained,
        "subclass": diagnosis.subclass.value if diagnosis.subclass else None,
        "reasons": "; ".join(diagnosis.reasons),
    }
