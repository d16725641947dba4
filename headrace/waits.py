"""What a job waits for, while it runs: its provider, or the rate limit that all workers share."""

import itertools
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True)
class Waited:
    """`since` is how long by now; `left` how long still, if that is known."""

    on: Literal["provider", "rate_limited"]
    since: timedelta
    left: timedelta | None = None


@dataclass(frozen=True)
class _Entry:
    since: float
    until: float | None = None


class Waits:
    """The calls of a job that are under way. Read by the lease thread, written by the loop."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._tickets = itertools.count()

    @contextmanager
    def provider(self) -> Generator[None]:
        """A call that is made."""
        with self._noted(_Entry(time.monotonic())):
            yield

    @contextmanager
    def rate_limit(self, left: timedelta) -> Generator[None]:
        """A call that is not made yet: there is room for it after `left`."""
        now = time.monotonic()
        with self._noted(_Entry(now, until=now + left.total_seconds())):
            yield

    def longest(self) -> Waited | None:
        """The oldest call that the provider has; without one, the first that the rate limit lets through; or None."""
        entries, now = list(self._entries.values()), time.monotonic()
        made = [entry.since for entry in entries if entry.until is None]
        if made:
            return Waited("provider", timedelta(seconds=now - min(made)))
        booked = [entry.until for entry in entries if entry.until is not None]
        if booked:
            since = min(entry.since for entry in entries)
            left = timedelta(seconds=max(0.0, min(booked) - now))
            return Waited("rate_limited", timedelta(seconds=now - since), left)
        return None

    @contextmanager
    def _noted(self, entry: _Entry) -> Generator[None]:
        ticket = next(self._tickets)
        self._entries[ticket] = entry
        try:
            yield
        finally:
            del self._entries[ticket]
