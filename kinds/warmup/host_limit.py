"""How many requests one host gets at once: found by trying, as TCP finds its window.

More while it answers well (doubled every round at first, then one more a round), but only as many as give
`ANSWERS_PER_SECOND`: a slow host gets many at once, a fast one needs few. No more while answers take much longer than
they did at best, for then they only queue up over there. Half as many after 429, 503 or silence, some less after other
errors, once a round. After Jacobson, "Congestion Avoidance and Control", 1988, and the gradient limit of Netflix'
concurrency-limits.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from headrace import backoff

FIRST = 8
MAX_AT_ONCE = 64
"""In flight to one host."""
ANSWERS_PER_SECOND = 50
LONGEST_PAUSE = timedelta(minutes=2)
"""A host that asks for a longer one gets no further request in this attempt."""

_HALF = 0.5
_SOME_LESS = 0.9
_QUEUEING = 2.0
"""Times the best average from which on more requests only wait at the host."""
_RECENT = 10
"""Answers that the average of their times goes back."""
_DRIFT = 1.005
"""By which the best average is forgotten with each answer: other pages may well take longer."""
_FIRST_PAUSE = timedelta(seconds=1)


class ClosedForNow(Exception):
    """The host asked to be left alone for longer than LONGEST_PAUSE."""


class HostLimit:
    """Of one host. `clock` counts seconds, as `time.monotonic` does."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.in_flight = 0
        self.pace = 0.0
        """Seconds between two requests, at least (Crawl-delay)."""
        self._clock = clock
        self._limit = float(FIRST)
        self._growing_fast = True
        self._answers = 0
        self._best = float("inf")
        self._recent = 0.0
        self._lowered_at = float("-inf")
        self._pushed_back = 0
        self._not_before = float("-inf")
        self._closed: str | None = None
        self._room = asyncio.Event()

    @property
    def limit(self) -> int:
        return int(self._limit)

    @property
    def pause(self) -> float:
        """Seconds until the next request may start, 0 for now."""
        return max(0.0, self._not_before - self._clock())

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """Room for one request, waited for. Raises ClosedForNow."""
        while True:
            if self._closed:
                raise ClosedForNow(self._closed)
            if self.in_flight >= self.limit:
                self._room.clear()
                await self._room.wait()
            elif pause := self.pause:
                await asyncio.sleep(pause)
            else:
                break
        self.in_flight += 1
        if self.pace:
            self._not_before = self._clock() + self.pace
        try:
            yield
        finally:
            self.in_flight -= 1
            self._room.set()

    def answered(self, seconds: float) -> None:
        """A good answer, whose first byte took that long."""
        self._pushed_back = 0
        self._answers += 1
        self._recent += (seconds - self._recent) / min(self._answers, _RECENT)
        if self._answers >= _RECENT:
            self._best = min(self._recent, self._best * _DRIFT)
        if self._recent > _QUEUEING * self._best:
            self._growing_fast = False
        elif self.in_flight >= self.limit:
            useful = min(max(FIRST, ANSWERS_PER_SECOND * self._recent), MAX_AT_ONCE)
            step = 1 if self._growing_fast else 1 / self._limit
            self._limit = max(self._limit, min(self._limit + step, useful))
            self._room.set()

    def troubled(self, started: float) -> None:
        """A server error, to a request started then by `clock`."""
        self._lower(started, _SOME_LESS)

    def silent(self, started: float) -> None:
        """No answer at all, or not in time."""
        self._lower(started, _HALF)

    def pushed_back(self, started: float, retry_after: timedelta | None) -> None:
        """429 or 503; `retry_after` is its Retry-After."""
        if self._lower(started, _HALF):
            self._pushed_back += 1
        wait = (
            retry_after
            if retry_after is not None
            else backoff(self._pushed_back, base=_FIRST_PAUSE, limit=LONGEST_PAUSE)
        )
        if wait > LONGEST_PAUSE:
            self._closed = f"the host asks to come back in {wait.total_seconds():.0f} s"
            self._room.set()
        self._not_before = max(self._not_before, self._clock() + wait.total_seconds())

    def _lower(self, started: float, factor: float) -> bool:
        """Lowers the limit, unless the request was sent before that was done last: its fate is no news."""
        if started <= self._lowered_at:
            return False
        self._lowered_at = self._clock()
        self._growing_fast = False
        self._limit = max(1.0, self._limit * factor)
        return True
