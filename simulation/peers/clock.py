"""The clock a peer lives by: as fast as ours, faster, or standing still until it is moved on."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

STARTS_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""When a peer's day begins where nothing else is said: a Monday morning."""


class PeerClock:
    """Seconds since the peer started, by its own reckoning.

    With ``speed`` 100 an hour passes in 36 s; with 0 no time passes but what ``advance`` adds. Buckets, queues,
    acknowledgements and fault plans go by this clock; what a socket does (latency, time-outs) goes by ours.
    """

    def __init__(
        self, speed: float = 1.0, starts_at: datetime = STARTS_AT, ours: Callable[[], float] = time.monotonic
    ) -> None:
        self._starts_at = starts_at
        self._ours = ours
        self._speed = speed
        self._since = ours()
        self._passed = 0.0

    def __call__(self) -> float:
        """Seconds since the start."""
        return self._passed + (self._ours() - self._since) * self._speed

    @property
    def moment(self) -> datetime:
        """The peer's date and time."""
        return self.moment_at(self())

    def moment_at(self, seconds: float) -> datetime:
        """The date and time ``seconds`` after the start."""
        return self._starts_at + timedelta(seconds=seconds)

    @property
    def speed(self) -> float:
        """Seconds that pass in one of ours."""
        return self._speed

    def advance(self, seconds: float) -> None:
        """Move on; never back."""
        if seconds < 0:
            raise ValueError(f"a peer's clock never goes back: {seconds} s")
        self._passed += seconds

    def run_at(self, speed: float) -> None:
        """Pass at another speed from now on."""
        if speed < 0:
            raise ValueError(f"a peer's clock never goes back: speed {speed}")
        self._passed, self._since = self(), self._ours()
        self._speed = speed
