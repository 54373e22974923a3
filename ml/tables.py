"""Every table of ml, in one import."""

from ml.labels import tables as labels
from ml.registry import tables as registry
from ml.triage import tables as triage

__all__ = ["labels", "registry", "triage"]
