"""A token bucket: how often a peer lets itself be asked."""

from collections.abc import Callable


class Bucket:
    """``rate`` tokens a second flow in, at most ``burst`` are kept; an infinite rate never runs dry."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self.rate, self.burst, self._left = rate, burst, burst
        self._clock = clock
        self._seen = clock()

    @property
    def left(self) -> float:
        """Tokens that are there now."""
        now = self._clock()
        # nothing times an infinite rate is no number
        flowed = (now - self._seen) * self.rate if now > self._seen else 0.0
        self._left = min(self.burst, self._left + flowed)
        self._seen = now
        return self._left

    def take(self, tokens: float = 1.0) -> bool:
        """Take ``tokens`` if they are there."""
        if self.left < tokens:
            return False
        self._left -= tokens
        return True
