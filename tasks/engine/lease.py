"""Keeping a lease: a thread of its own, so that a busy event loop does not lose the job.

It also sees when that loop is blocked, which the loop itself cannot say.
"""

import asyncio
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import structlog

from headrace.waits import Waited
from jobs import keys
from jobs.connection import answered, connect
from jobs.errors import LeaseLost, StoreUnavailable
from jobs.leases import Claim
from jobs.model import JobError
from jobs.settings import Settings
from jobs.states import Reason
from jobs.store import JobStore
from tasks.engine.loop_thread import LoopThread
from tasks.engine.loop_watch import LoopWatch
from tasks.engine.outage import RETRY_EVERY, retry_while_unavailable

log = structlog.stdlib.get_logger("headrace.lease")

CANCEL_GRACE = 5.0
"""Seconds a cancelled pipeline gets to stop. After that its process has to end."""
EX_SOFTWARE = 70
LOOK_EVERY = 0.5
"""Seconds between two looks at the jobs' event loop."""
WARN_AFTER = 1.0
"""Seconds that the loop may be blocked before the log says so."""
SETTLE = 0.5
"""Seconds, at most, before a job gets a first renewal and a blocking read of its own: most short jobs end without them,
and so without a reconnect."""


LOOK_FOR_JOBS_EVERY = 0.25
"""Seconds between two looks at which jobs there are: to be told of each would wake this thread, and most are short."""


@dataclass(eq=False)
class _Held:
    """A job whose lease is kept."""

    claim: Claim
    on_lost: Callable[[str], None]
    waiting: Callable[[], Waited | None]
    loop: LoopWatch
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Something was said of the job; the next renewal tells what."""
    lost: bool = False
    left: bool = False
    """Its run has ended; what is heard of it now means nothing."""
    keeping: asyncio.Task[None] | None = None

    def lose(self, why: str) -> None:
        if not self.left:
            self.lost = True
            self.on_lost(why)


class LeaseThread:
    """Renews leases, and hears at once when a job is cancelled. One thread and one loop for all jobs of a process."""

    def __init__(self, settings: Settings, *, exit_process: Callable[[int], object] = os._exit) -> None:
        """`exit_process` ends the process at once, when its loop is blocked for good."""
        self._settings = settings
        self._exit = exit_process
        self._thread = LoopThread("lease")
        self._thread.start()
        # A reply that is later than this is as good as lost: there must be time for another try.
        patience = settings.heartbeat / 2
        self._store = JobStore.open(settings, name="headrace-lease", patience=patience)
        within = settings.heartbeat + patience
        self._signals = connect(settings, name="headrace-signal", reply_within=within, connections=2)
        self._held: set[_Held] = set()
        self._thread.run(self._look_for_jobs())

    @contextmanager
    def hold(
        self, claim: Claim, *, on_lost: Callable[[str], None], waiting: Callable[[], Waited | None], loop: LoopWatch
    ) -> Generator[None]:
        """Keeps the claim's lease meanwhile. `on_lost(why)` is called in this thread, once, when the job is not ours.

        `waiting` says what the job waits for by now. `loop` is where it runs: if that stays blocked for
        HEADRACE_MAX_LOOP_BLOCK, or beyond the job's own time limit, the job fails and the process ends; also when it
        does not react to a lost lease.
        """
        held = _Held(claim, on_lost, waiting, loop)
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
        kept: set[_Held] = set()
        while True:
            # A copy is made in one go: the other thread changes the set.
            held = set(self._held)
            for job in held - kept:
                job.keeping = asyncio.create_task(self._hold(job))
            # Those that had just been left when they were looked at.
            for job in kept - held:
                if job.keeping is not None:
                    job.keeping.cancel()
            kept = held
            await asyncio.sleep(every)

    async def _hold(self, held: _Held) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep(held))
                group.create_task(self._listen(held))
                group.create_task(self._watch(held))
        except* Exception:
            log.exception("lease thread failed", job=held.claim.job.id)
            held.lose("unknown")

    # -- The lease ----------------------------------------------------------------------------------------------------

    async def _keep(self, held: _Held) -> None:
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
                    await asyncio.wait_for(held.news.wait(), heartbeat)
        except TimeoutError:
            held.lose("not renewed in time")
        except LeaseLost as lost:
            held.lose(lost.state)

    async def _renew(self, held: _Held) -> float:
        """Returns until when the lease holds now."""
        until = self._until(self._thread.loop.time())
        lease, waited = held.claim.lease, held.waiting()
        if waited:
            await self._store.renew(lease, waiting_for=waited.on, waiting=waited.since, left=waited.left)
        else:
            await self._store.renew(lease)
        return until

    async def _listen(self, held: _Held) -> None:
        """Beside the renewals, which must not wait for this connection: theirs may be well."""
        heartbeat = self._settings.heartbeat.total_seconds()
        await asyncio.sleep(min(SETTLE - LOOK_FOR_JOBS_EVERY, heartbeat / 2))
        while True:
            try:
                # Each reply has its limit; together, with those of a new connection, they may take longer.
                async with answered():
                    heard = await cast("Any", self._signals.blpop([keys.signal(held.claim.job.id)], timeout=heartbeat))
            except StoreUnavailable:
                await asyncio.sleep(RETRY_EVERY)
                continue
            if heard:
                held.news.set()

    def _until(self, requested_at: float) -> float:
        return requested_at + self._settings.lease.total_seconds()

    # -- The loop -----------------------------------------------------------------------------------------------------

    async def _watch(self, held: _Held) -> None:
        limit = self._settings.max_loop_block.total_seconds()
        own_limit = held.claim.job.time_limit_seconds
        ticks, ran, blocked, blocked_since_lost = held.loop.ticks, 0.0, 0.0, 0.0
        while True:
            await asyncio.sleep(LOOK_EVERY)
            ran += LOOK_EVERY
            if held.loop.ticks != ticks:
                ticks, blocked, blocked_since_lost = held.loop.ticks, 0.0, 0.0
                continue
            # By looks, not by a clock: the time for which the whole process was stopped is not the pipeline's.
            blocked += LOOK_EVERY
            blocked_since_lost += LOOK_EVERY if held.lost else 0
            if blocked == WARN_AFTER:
                log.warning("the event loop is blocked", job=held.claim.job.id, where=held.loop.where())
            if blocked_since_lost >= CANCEL_GRACE:
                log.critical("a blocked job does not stop; ending the process", where=held.loop.where())
                self._exit(EX_SOFTWARE)
                return
            out_of_time = own_limit is not None and ran >= own_limit and blocked >= CANCEL_GRACE
            if ((limit and blocked >= limit) or out_of_time) and not held.lost:
                await self._fail_blocked(held, blocked, Reason.TIME_LIMIT if out_of_time else Reason.INTERNAL_ERROR)
                self._exit(EX_SOFTWARE)
                return

    async def _fail_blocked(self, held: _Held, seconds: float, reason: Reason) -> None:
        where = held.loop.where()
        log.critical("the event loop stays blocked; ending the process", job=held.claim.job.id, where=where)
        failure = JobError(
            reason=reason,
            message=f"The pipeline blocked its event loop for {seconds:.0f} s, at {where}."
            " Await such work, or run it in a thread: asyncio.to_thread.",
        )
        try:
            lease = held.claim.lease
            await retry_while_unavailable(lambda: self._store.fail(lease, failure), within=self._settings.lease)
        except (LeaseLost, StoreUnavailable):
            log.warning("the blocked job could not be failed; it runs again elsewhere", job=held.claim.job.id)
