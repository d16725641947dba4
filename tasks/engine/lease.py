"""Keeping a lease: a thread of its own, so that a busy event loop does not lose the job.

It also sees when that loop is blocked, which the loop itself cannot say.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from typing import Any, cast

import structlog

from headrace.waits import Waited
from jobs import keys
from jobs.connection import answered, connect
from jobs.errors import LeaseLost, StoreUnavailable
from jobs.leases import Claim
from jobs.renewals import Renewal
from jobs.settings import Settings
from jobs.store import JobStore
from tasks.engine.held import Held
from tasks.engine.loop_guard import LoopGuard
from tasks.engine.loop_thread import LoopThread
from tasks.engine.loop_watch import LoopWatch
from tasks.engine.outage import RETRY_EVERY, retry_while_unavailable
from tasks.engine.renewer import Renewer

log = structlog.stdlib.get_logger("headrace.lease")

SETTLE = 0.5
"""Seconds, at most, before a job gets a first renewal and a blocking read: most short jobs end without them."""


LOOK_FOR_JOBS_EVERY = 0.25
"""Seconds between two looks at which jobs there are: to be told of each would wake this thread, and most are short."""


class LeaseThread:
    """Renews leases, and hears at once when a job is cancelled. One thread and one loop for all jobs of a process."""

    def __init__(
        self,
        settings: Settings,
        *,
        exit_process: Callable[[int], object] = os._exit,
        on_look: Callable[[], object] = lambda: None,
    ) -> None:
        """`exit_process` ends the process at once, when its loop is blocked for good.

        `on_look` is called as often as this thread looks which jobs there are.
        """
        self._settings = settings
        self._on_look = on_look
        self._thread = LoopThread("lease")
        self._thread.start()
        # A reply that is later than this is as good as lost: there must be time for another try.
        patience = settings.heartbeat / 2
        self._store = JobStore.open(settings, name="headrace-lease", patience=patience)
        within = settings.heartbeat + patience
        self._signals = connect(settings, name="headrace-signal", reply_within=within, connections=2)
        self._held: set[Held] = set()
        self._kept: set[Held] = set()
        """Those of them that this thread has seen."""
        self._renewer = Renewer(self._store)
        self._guard = LoopGuard(settings, self._store, exit_process=exit_process)
        self._thread.run(self._look_for_jobs())

    @contextmanager
    def hold(
        self,
        claim: Claim,
        *,
        on_lost: Callable[[str], None],
        waiting: Callable[[], Waited | None],
        loop: LoopWatch,
        time_limit: float | None = None,
    ) -> Generator[None]:
        """Keeps the claim's lease meanwhile. `on_lost(why)` is called in this thread, once, when the job is not ours.

        `waiting` says what the job waits for by now. `loop` is where it runs: if that stays blocked for
        HEADRACE_MAX_LOOP_BLOCK, or beyond `time_limit` (seconds) of the job, the job fails and the process ends; also
        when it does not react to a lost lease. Other jobs of the process are handed back before.
        """
        held = Held(claim, on_lost, waiting, loop, time_limit)
        self._held.add(held)
        try:
            yield
        finally:
            held.left = True
            self._held.discard(held)
            if held.keeping is not None:
                self._thread.loop.call_soon_threadsafe(held.keeping.cancel)

    def close(self) -> None:
        async def disconnect() -> None:
            await self._store.aclose()
            await self._signals.aclose()

        self._thread.close(disconnect())

    async def _look_for_jobs(self) -> None:
        # The first renewal must come in time, whatever the settings are.
        every = min(LOOK_FOR_JOBS_EVERY, self._settings.heartbeat.total_seconds() / 2)
        for_all: dict[Callable[[], Coroutine[Any, Any, None]], asyncio.Task[None]] = {}
        while True:
            # A copy is made in one go: the other thread changes the set.
            before, self._kept = self._kept, set(self._held)
            for job in self._kept - before:
                job.keeping = asyncio.create_task(self._guarded(self._keep(job), job))
            # Those that had just been left when they were looked at.
            for job in before - self._kept:
                if job.keeping is not None:
                    job.keeping.cancel()
            for work in (self._listen, self._watch):
                if self._kept and (work not in for_all or for_all[work].done()):
                    for_all[work] = asyncio.create_task(self._guarded(work()))
            self._on_look()
            await asyncio.sleep(every)

    async def _guarded(self, work: Coroutine[Any, Any, None], *jobs: Held) -> None:
        """A fault of this thread loses these jobs, or all."""
        try:
            await work
        except Exception:
            log.exception("lease thread failed", jobs=[job.claim.job.id for job in jobs])
            for job in jobs or self._kept:
                job.lose("unknown")

    async def _watch(self) -> None:
        await self._guard.watch(lambda: self._kept)

    async def _keep(self, held: Held) -> None:
        until, heartbeat = self._until(held.claim.requested_at), self._settings.heartbeat.total_seconds()
        await asyncio.sleep(min(SETTLE - LOOK_FOR_JOBS_EVERY, heartbeat / 2))
        try:
            while True:
                held.news.clear()
                # By our own clock, from before the last renewal was sent: never later than Redis lets others have it.
                # The first one is not late by a heartbeat: it connects, which a slow network makes long.
                async with asyncio.timeout_at(until):
                    until = await retry_while_unavailable(lambda: self._renew(held))
                with suppress(TimeoutError):
                    await asyncio.wait_for(held.news.wait(), self._pause())
        except TimeoutError:
            held.lose("not renewed in time")
        except LeaseLost as lost:
            held.lose(lost.state)

    def _pause(self) -> float:
        """Seconds to the next renewal: with many jobs, when those of the others are due too, to be sent together."""
        heartbeat = self._settings.heartbeat.total_seconds()
        return heartbeat if len(self._kept) == 1 else heartbeat - self._thread.loop.time() % heartbeat

    async def _renew(self, held: Held) -> float:
        """Returns until when the lease holds now."""
        until = self._until(self._thread.loop.time())
        lease, waited = held.claim.lease, held.waiting()
        renewal = Renewal(lease, waited.on, waited.since, waited.left) if waited else Renewal(lease)
        await self._renewer.renew(renewal)
        return until

    async def _listen(self) -> None:
        """Beside the renewals, which must not wait for this connection: theirs may be well."""
        heartbeat = self._settings.heartbeat.total_seconds()
        await asyncio.sleep(min(SETTLE - LOOK_FOR_JOBS_EVERY, heartbeat / 2))
        # It ends with a reply, not by a cancellation, which would cost the connection.
        while names := {keys.signal(held.claim.lease.child) for held in self._kept}:
            try:
                # Each reply has its limit; together, with those of a new connection, they may take longer.
                async with answered():
                    heard = await cast("Any", self._signals.blpop(list(names), timeout=heartbeat))
            except StoreUnavailable:
                await asyncio.sleep(RETRY_EVERY)
                continue
            for held in self._kept:
                if heard and held.claim.job.id == heard[1]:
                    held.news.set()

    def _until(self, requested_at: float) -> float:
        return requested_at + self._settings.lease.total_seconds()
