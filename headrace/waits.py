"""What a job waits for, while it runs: its provider, or the rate limit that all workers share."""

import itertools
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

_ticket: ContextVar[int] = ContextVar("ticket")


@dataclass(frozen=True)
class Waited:
    """`since` is how long by now; `left` how long still, if that is known."""

    on: Literal["provider", "rate_limit"]
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
    def call(self) -> Generator[None]:
        ticket = next(self._tickets)
        outer = _ticket.set(ticket)
        self._entries[ticket] = _Entry(time.monotonic())
        try:
            yield
        finally:
            del self._entries[ticket]
            _ticket.reset(outer)

    @contextmanager
    def rate_limit(self, left: timedelta) -> Generator[None]:
        """Within `call`: it is not made yet, and there is room for it after `left`."""
        ticket, now = _ticket.get(), time.monotonic()
        self._entries[ticket] = _Entry(now, until=now + left.total_seconds())
        try:
            yield
        finally:
            self._entries[ticket] = _Entry(time.monotonic())

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
            return Waited("rate_limit", timedelta(seconds=now - since), left)
        return None
