"""Which signals are one trouble: fingerprints, pure.

A failure's fingerprint is its root cause and what it touches. Troubles of a whole connector (outage,
rate limit, credentials) are one for the connector, whatever SKU they showed on. An anomaly joins the
failure that explains it where the same SKU has one, else it is a trouble of its own SKU.
"""

from dataclasses import dataclass

CONNECTOR_WIDE = frozenset({"rate_limit", "outage", "auth"})
"""Subclasses that are a connector's trouble, not a SKU's."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signal touches; empty where it does not say."""

    system: str = ""
    channel: str = ""
    sku: str = ""
    location: str = ""


def failure_fingerprint(root_cause: str, subclass: str | None, scope: Scope) -> str:
    """The fingerprint of a failure that was diagnosed."""
    connector = scope.channel or scope.system
    if subclass in CONNECTOR_WIDE or not scope.sku:
        return f"{root_cause}|{subclass or ''}|{connector}"
    return f"{root_cause}|{scope.sku}"


def anomaly_fingerprint(scope: Scope, failing_skus: dict[str, str]) -> str:
    """The fingerprint of an anomaly; ``failing_skus`` are fingerprints of open failure cases by SKU."""
    return failing_skus.get(scope.sku, f"anomaly|{scope.sku}")
