"""How often we may still ask: a token bucket on our side, which learns from what the channel says.

It keeps us below the channel's own limit, so that the channel need not say no. Each process has a bucket of its own;
where several push to one channel, what the channel tells of its bucket keeps them together.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Whose time a budget goes by: seconds since some moment, and how to wait for some of them."""

    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


OUR_PACE = Pace()

PATIENCE_S = 5.0
"""How long one call waits for its budget in all; what needs longer is given back to be tried later."""


class Budget:
    """``rate`` tokens a second flow in, at most ``burst`` are kept. Threads may share one."""

    def __init__(self, rate: float, burst: float, pace: Pace = OUR_PACE) -> None:
        self._rate, self._burst, self._left = rate, burst, burst
        self._pace = pace
        self._seen = pace.clock()
        self._closed_until = self._seen
        self._lock = threading.Lock()

    @property
    def rate(self) -> float:
        """Tokens that flow in a second, as far as is known."""
        return self._rate

    @property
    def burst(self) -> float:
        """Tokens that are kept at most, as far as is known."""
        return self._burst

    def take(self, tokens: float = 1.0, until: float | None = None) -> float:
        """Take ``tokens``, waiting for them up to the moment ``until`` of the pace's clock.

        Returns:
            0 where they were taken; else the seconds after which it is worth asking again, and nothing was taken.
        """
        while True:
            with self._lock:
                missing_s = self._missing_s(min(tokens, self._burst))
                if missing_s <= 0.0:
                    self._left -= tokens
                    return 0.0
                if until is None or self._pace.clock() + missing_s > until:
                    return missing_s
            self._pace.wait(missing_s)

    def learn(self, *, rate: float | None = None, burst: float | None = None, left: float | None = None) -> None:
        """Believe what the channel says of its own bucket."""
        with self._lock:
            self._flow()
            if rate is not None and rate > 0:
                self._rate = rate
            if burst is not None and burst > 0:
                self._burst = burst
            self._left = min(self._burst, self._left if left is None else left)

    def close_for(self, seconds: float) -> None:
        """The channel said no: nothing is there now, and nothing is taken for so many seconds."""
        with self._lock:
            self._flow()
            self._left = min(self._left, 0.0)
            self._closed_until = max(self._closed_until, self._pace.clock() + seconds)

    def patient_until(self) -> float:
        """Up to when a call that begins now waits for its tokens."""
        return self._pace.clock() + PATIENCE_S

    def _flow(self) -> None:
        now = self._pace.clock()
        self._left = min(self._burst, self._left + max(0.0, now - self._seen) * self._rate)
        self._seen = now

    def _missing_s(self, tokens: float) -> float:
        self._flow()
        lacking = max(0.0, tokens - self._left)
        # a hair too much, so that rounding never leaves a sliver missing after the wait
        flow_s = lacking / self._rate + 1e-6 if lacking > 0 and self._rate > 0 else (0.0 if lacking <= 0 else 60.0)
        return max(flow_s, self._closed_until - self._seen)
