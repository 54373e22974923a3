"""Time that passes faster, for the service as for the simulated channels."""

import time
from datetime import datetime, timedelta

from core_sync.channels.budget import Pace


class QuickTime:
    """A clock that starts at ``starts_at`` and runs ``speed`` times as fast as ours."""

    def __init__(self, starts_at: datetime, speed: float) -> None:
        self._starts_at = starts_at
        self._speed = speed
        self._began = time.monotonic()

    def __call__(self) -> datetime:
        """The moment it is by this clock."""
        return self._starts_at + timedelta(seconds=self.passed())

    def passed(self) -> float:
        """Its seconds since the start."""
        return (time.monotonic() - self._began) * self._speed

    @property
    def pace(self) -> Pace:
        """The same for budgets: their seconds, and how to wait for some."""
        return Pace(self.passed, self.wait)

    def wait(self, seconds: float) -> None:
        """Wait so many of its seconds."""
        time.sleep(max(0.0, seconds) / self._speed)
