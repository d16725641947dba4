"""Notices a worker that lives but does not work, which Celery on Redis is known to become.

One command on a half-open connection can hold Celery's event loop for ever, and one acknowledgement that timed out
can cost it its only prefetch credit; both look healthy to `inspect ping`. What counts are claims: the loop turns, an
idle worker does not leave messages lying, and the store answers for those that it takes.
"""

import math
import time
from collections.abc import Callable
from datetime import timedelta


class Watchdog:
    """Judges from what it is told. `clock` is in seconds and never goes back."""

    def __init__(self, limit: timedelta, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit.total_seconds()
        self._clock = clock
        self._ready = False
        self._ticked = clock()
        self._store_answered = -math.inf
        self._store_away = clock()
        self._consuming = clock()
        self._received = -math.inf
        self._unclaimed_since: float | None = None
        """When the first message was taken of those since the last claim."""

    # -- Observations -------------------------------------------------------------------------------------------------

    def ready(self) -> None:
        """Celery's consumer has connected for the first time."""
        self._ready = True
        self.tick()

    def tick(self) -> None:
        """Celery's event loop has turned."""
        self._ticked = self._clock()

    def received(self) -> None:
        """A message arrived. That a claim of its job is answered is yet to be seen."""
        self._received = self._clock()
        if self._unclaimed_since is None:
            self._unclaimed_since = self._received

    def claimed(self, *, at: float) -> None:
        """The store answered a claim, be it with a refusal; the last time by the same clock."""
        self._consuming = max(self._consuming, at)
        if self._unclaimed_since is not None and at >= self._unclaimed_since:
            self._unclaimed_since = self._received if self._received > at else None

    def looked(self, *, messages: int, busy: bool) -> None:
        """Redis took a write, and had so many messages for a worker that was busy or not."""
        now = self._store_answered = self._clock()
        # A loop that hangs cannot have noticed the end of its job.
        if not messages or (busy and now - self._ticked < self._limit / 3):
            self._consuming = now

    def store_away(self) -> None:
        """Redis took no write of ours. While it is away nobody can claim, and Celery may sleep between its tries."""
        self._store_away = self._consuming = self._clock()
        if self._unclaimed_since is not None:
            self._unclaimed_since = self._store_away

    # -- Judgements ---------------------------------------------------------------------------------------------------

    def fault(self) -> str | None:
        """Why this worker must be replaced, or None."""
        now = self._clock()
        # Celery sleeps up to 30 s between two tries to reconnect, so the loop gets twice the limit to come back.
        if self._ready and now - max(self._ticked, self._store_away) > 2 * self._limit:
            return f"Celery's event loop has not turned for {now - self._ticked:.0f} s"
        if self._unclaimed_since is not None and now - self._unclaimed_since > self._limit:
            return f"took messages for {now - self._unclaimed_since:.0f} s and claimed no job"
        if now - self._consuming > self._limit:
            return f"idle for {now - self._consuming:.0f} s while messages wait in the queue"
        return None

    def alive(self) -> bool:
        """Nothing is wrong that a new process would mend. Redis being away is not."""
        return self.fault() is None

    def started(self) -> bool:
        return self._ready

    def consumes(self) -> bool:
        """Ready in the sense of a health check: connected, turning, able to write, and leaving nothing to lie."""
        third = self._limit / 3
        now = self._clock()
        seen = [self._ticked, self._store_answered, self._consuming]
        if self._unclaimed_since is not None:
            seen.append(self._unclaimed_since)
        return self._ready and now - min(seen) < third
