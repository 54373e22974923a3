"""What a peer may do wrong, and when: single faults, and a plan of them by time and probability."""

import math
import random
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal, Self

LINGERS_S = 3600.0
"""How much longer than usual a queued figure takes where nothing else is said; the peer's seconds."""

On = Literal["writes", "reads", "both"]


class FaultKind(StrEnum):
    """How one request goes wrong. The last four concern what is queued: feeds, files that are acknowledged later."""

    LATENCY = "latency"
    TIMEOUT = "timeout"
    CUT = "cut"
    STATUS = "status"
    THROTTLED = "throttled"
    OUTAGE = "outage"
    GARBAGE = "garbage"
    ACCEPTED_NOT_APPLIED = "accepted_not_applied"
    STALE_READ = "stale_read"
    LINGERS = "lingers"
    REFUSED_LATER = "refused_later"
    PARTLY_REFUSED_LATER = "partly_refused_later"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing going wrong.

    Args:
        applied: whether the work is done all the same.
        status: of a ``STATUS``; ``retry_after_s``: what its header says, None leaves the header out.
        seconds: our seconds for ``LATENCY`` and ``TIMEOUT`` (None: the peer's usual time), the peer's seconds for
            ``LINGERS`` and for how old a ``STALE_READ`` is (None: the figure before the last change).
        variant: which garbage; None takes the next one.
    """

    kind: FaultKind
    applied: bool = False
    status: int = 0
    retry_after_s: float | None = None
    seconds: float | None = None
    variant: int | None = None

    @classmethod
    def named(cls, name: str) -> Self:
        """A fault by its short name: ``timeout``, ``cut_applied``, ``503``, ``429_without_retry_after`` …

        Raises:
            ValueError: there is no such fault.
        """
        if name in set(FaultKind):
            return cls(FaultKind(name))
        short, applied = name.removesuffix("_applied"), name.endswith("_applied")
        status, bare = short.removesuffix("_without_retry_after"), short.endswith("_without_retry_after")
        if status.isdecimal() and 400 <= int(status) <= 599:
            wait = 2.0 if int(status) == 429 and not bare else None
            return cls(FaultKind.STATUS, applied, int(status), wait)
        return cls(FaultKind(short), applied)

    @property
    def does_nothing(self) -> bool:
        """Whether the request is answered without being looked at."""
        blocks = (FaultKind.TIMEOUT, FaultKind.CUT, FaultKind.STATUS, FaultKind.THROTTLED, FaultKind.OUTAGE)
        return self.kind in (*blocks, FaultKind.GARBAGE) and not self.applied

    @property
    def holds_back(self) -> bool:
        """Whether the figure is accepted and does not show, whatever time passes."""
        return self.kind in (FaultKind.ACCEPTED_NOT_APPLIED, FaultKind.REFUSED_LATER, FaultKind.LOST)

    @property
    def lingers_s(self) -> float:
        """The peer's seconds by which what was queued takes longer than usual."""
        if self.kind is not FaultKind.LINGERS:
            return 0.0
        return LINGERS_S if self.seconds is None else self.seconds

    @property
    def name(self) -> str:
        """Its short name."""
        kind = str(self.status) if self.kind is FaultKind.STATUS else self.kind.value
        return f"{kind}_applied" if self.applied else kind


@dataclass(frozen=True, slots=True)
class FaultRule:
    """A fault that comes again: between two moments, with a probability, so many times at most.

    ``from_s`` and ``to_s`` are the peer's seconds since the plan was set; ``sku`` narrows it to requests about one SKU.
    """

    fault: Fault
    on: On = "writes"
    from_s: float = 0.0
    to_s: float = math.inf
    probability: float = 1.0
    times: int | None = None
    sku: str | None = None


_RULE_FIELDS = frozenset({"fault", "on", "from_s", "to_s", "probability", "times", "sku"})
_FAULT_FIELDS = frozenset({"status", "retry_after_s", "seconds", "variant", "applied"})


def rule_from(told: Mapping[str, Any]) -> FaultRule:
    """A rule as it comes over HTTP: the fault's short name, its own fields and the rule's, all beside each other.

    Raises:
        ValueError: a field is unknown or its value makes no sense.
    """
    unknown = set(told) - _RULE_FIELDS - _FAULT_FIELDS
    if unknown or "fault" not in told:
        raise ValueError(f"a rule has a fault and knows {sorted(_RULE_FIELDS | _FAULT_FIELDS)}, not {sorted(unknown)}")
    named = asdict(Fault.named(str(told["fault"])))
    fault = Fault(**(named | {name: told[name] for name in _FAULT_FIELDS & set(told)}))
    rule = FaultRule(fault, **{name: told[name] for name in _RULE_FIELDS & set(told) if name != "fault"})
    if not 0.0 <= rule.probability <= 1.0 or rule.on not in ("writes", "reads", "both"):
        raise ValueError(f"{told['fault']}: probability is 0 to 1, and on is writes, reads or both")
    return rule


@dataclass
class FaultPlan:
    """Rules in order; the first that fires decides, but for latency, which goes with the others.

    Each rule draws from a generator of its own, so that a rule more or less changes nothing about the others.
    """

    rules: tuple[FaultRule, ...] = ()
    seed: int = 0
    since_s: float = 0.0
    fired: list[int] = field(init=False)
    _draws: list[random.Random] = field(init=False)

    def __post_init__(self) -> None:
        self.fired = [0] * len(self.rules)
        self._draws = [random.Random(f"{self.seed}-{place}") for place in range(len(self.rules))]  # noqa: S311  # faults are no secret

    def meet(
        self, on: Literal["writes", "reads"], at_s: float, skus: Collection[str]
    ) -> tuple[float | None, Fault | None]:
        """The latency in our seconds and the fault that a request about ``skus`` meets at ``at_s``."""
        latency_s: float | None = None
        for place, rule in enumerate(self.rules):
            if not self._fires(place, rule, on, at_s - self.since_s, skus):
                continue
            self.fired[place] += 1
            if rule.fault.kind is not FaultKind.LATENCY:
                return latency_s, rule.fault
            latency_s = (latency_s or 0.0) + (rule.fault.seconds or 0.0)
        return latency_s, None

    def _fires(self, place: int, rule: FaultRule, on: str, passed_s: float, skus: Collection[str]) -> bool:
        if rule.on not in (on, "both") or not rule.from_s <= passed_s < rule.to_s:
            return False
        if rule.sku is not None and rule.sku not in skus:
            return False
        if rule.times is not None and self.fired[place] >= rule.times:
            return False
        return self._draws[place].random() < rule.probability
