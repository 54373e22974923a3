"""A token bucket: how often a peer lets itself be asked."""

import time
from collections.abc import Callable


class Bucket:
    """``rate`` tokens a second flow in, at most ``burst`` are kept; an infinite rate never runs dry."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst, self.left = rate, burst, burst
        self._clock = clock
        self._seen = clock()

    def take(self, tokens: float = 1.0) -> bool:
        """Take ``tokens`` if they are there."""
        now = self._clock()
        self.left = min(self.burst, self.left + (now - self._seen) * self.rate)
        self._seen = now
        if self.left < tokens:
            return False
        self.left -= tokens
        return True
