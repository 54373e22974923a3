"""Every table of ml, in one import."""

from ml.registry import tables as registry
from ml.triage import tables as triage

__all__ = ["registry", "triage"]
