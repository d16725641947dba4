"""Keeping a lease: a thread of its own, so that a busy event loop does not lose the job."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

import structlog

from headrace.waits import Waited
from jobs import keys
from jobs.connection import answered, connect
from jobs.errors import LeaseLost, StoreUnavailable
from jobs.leases import Lease
from jobs.settings import Settings
from jobs.store import JobStore
from tasks.engine.loop_thread import LoopThread
from tasks.engine.outage import RETRY_EVERY, retry_while_unavailable

log = structlog.stdlib.get_logger("headrace.lease")

SETTLE = 0.5
"""Seconds before a job gets a blocking read of its own: most short jobs end without one, and so without a reconnect."""


class LeaseThread:
    """Renews leases, and hears at once when a job is cancelled. One thread and one loop for all jobs of a process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread = LoopThread("lease")
        self._thread.start()
        # A reply that is later than this is as good as lost: there must be time for another try.
        patience = settings.heartbeat / 2
        self._news_within = settings.heartbeat + patience
        self._store = JobStore.open(settings, name="headrace-lease", patience=patience)
        self._signals = connect(settings, name="headrace-signal", reply_within=self._news_within, connections=2)

    @contextmanager
    def hold(
        self, lease: Lease, *, since: float, on_lost: Callable[[str], None], waiting: Callable[[], Waited | None]
    ) -> Generator[None]:
        """Keeps `lease` meanwhile. `on_lost(why)` is called in this thread, once, when the job is no longer ours.

        `since` is when it was asked for, by the clock of event loops. `waiting` says what the job waits for by now.
        """
        keeping = self._thread.run(self._keep(lease, since, on_lost, waiting))
        try:
            yield
        finally:
            keeping.cancel()

    def close(self) -> None:
        async def disconnect() -> None:
            await self._store.aclose()
            await self._signals.aclose()

        self._thread.close(disconnect())

    async def _keep(
        self, lease: Lease, since: float, on_lost: Callable[[str], None], waiting: Callable[[], Waited | None]
    ) -> None:
        until = self._until(since)
        await asyncio.sleep(min(SETTLE, self._settings.heartbeat.total_seconds()))
        try:
            while True:
                # By our own clock, from before the last renewal was sent: never later than Redis lets others have it.
                async with asyncio.timeout_at(until):
                    await self._heartbeat_or_signal(lease)
                    until = await retry_while_unavailable(lambda: self._renew(lease, waiting))
        except TimeoutError:
            on_lost("not renewed in time")
        except LeaseLost as lost:
            on_lost(lost.state)
        except Exception:
            log.exception("lease thread failed", job=lease.job_id)
            on_lost("unknown")

    async def _renew(self, lease: Lease, waiting: Callable[[], Waited | None]) -> float:
        """Returns until when the lease holds now."""
        until = self._until(self._thread.loop.time())
        waited = waiting()
        if waited:
            await self._store.renew(lease, waiting_for=waited.on, waiting=waited.since, left=waited.left)
        else:
            await self._store.renew(lease)
        return until

    async def _heartbeat_or_signal(self, lease: Lease) -> None:
        """Sleeps for a heartbeat, less if there is news of the job; the renewal that follows tells what."""
        heartbeat = self._settings.heartbeat.total_seconds()
        try:
            async with answered(self._news_within):
                await cast("Any", self._signals.blpop([keys.signal(lease.job_id)], timeout=heartbeat))
        except StoreUnavailable:
            # No reason to leave the renewal out: its connection may be well.
            await asyncio.sleep(RETRY_EVERY)

    def _until(self, asked: float) -> float:
        return asked + self._settings.lease.total_seconds()
