"""Every table of ml, in one import."""

from ml.buffers import tables as buffers
from ml.feedback import tables as feedback
from ml.labels import tables as labels
from ml.registry import tables as registry
from ml.triage import tables as triage

__all__ = ["buffers", "feedback", "labels", "registry", "triage"]
