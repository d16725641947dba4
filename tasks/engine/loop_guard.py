"""Ends a process whose event loop is blocked for good: what the loop itself cannot say or do.

Of the jobs that share the loop, only the one that blocks it fails; the others are handed back first.
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from jobs.errors import LeaseLost, StoreUnavailable
from jobs.model import JobError
from jobs.settings import Settings
from jobs.states import Reason
from jobs.store import JobStore
from tasks.engine.held import Held
from tasks.engine.outage import retry_while_unavailable

log = structlog.stdlib.get_logger("headrace.loop_guard")

CANCEL_GRACE = 5.0
"""Seconds a cancelled pipeline gets to stop. After that its process has to end."""
EX_SOFTWARE = 70
LOOK_EVERY = 0.5
"""Seconds between two looks at the jobs' event loop."""
WARN_AFTER = 1.0
"""Seconds that the loop may be blocked before the log says so."""


class LoopGuard:
    """Looks at the loop from another thread, as long as there are jobs."""

    def __init__(self, settings: Settings, store: JobStore, *, exit_process: Callable[[int], object]) -> None:
        self._settings = settings
        self._store = store
        self._exit = exit_process
        self._ended = False
        """The process was told to exit."""

    async def watch(self, jobs: Callable[[], Iterable[Held]]) -> None:
        """Returns when there are no jobs, or when the process was told to exit."""
        ticks: dict[Held, int] = {}
        blocked = 0.0
        while (held := list(jobs())) and not self._ended:
            await asyncio.sleep(LOOK_EVERY)
            before, ticks = ticks, {job: job.loop.ticks for job in held}
            turned = ticks != before
            # By looks, not by a clock: the time for which the whole process was stopped is not the pipeline's.
            blocked = 0.0 if turned else blocked + LOOK_EVERY
            for job in held:
                job.ran += LOOK_EVERY
                job.blocked_since_lost = job.blocked_since_lost + LOOK_EVERY if job.lost and not turned else 0.0
            if not turned:
                await self._judge(held, blocked)

    async def _judge(self, held: list[Held], blocked: float) -> None:
        """The loop is blocked for so many seconds."""
        by = _who_blocks(held)
        where = held[0].loop.where() if by is None else by.loop.where()
        if blocked == WARN_AFTER:
            log.warning("the event loop is blocked", job=by.claim.job.id if by else None, where=where)
        limit = self._settings.max_loop_block.total_seconds()
        too_long = bool(limit) and blocked >= limit
        if by is None:
            if too_long:
                log.critical("the event loop stays blocked, by no job; ending the process", where=where)
        elif by.blocked_since_lost >= CANCEL_GRACE:
            log.critical("a blocked job does not stop; ending the process", job=by.claim.job.id, where=where)
            too_long = True
        else:
            out_of_time = by.time_limit is not None and by.ran >= by.time_limit and blocked >= CANCEL_GRACE
            too_long = (too_long or out_of_time) and not by.lost
            if too_long:
                await self._fail(by, blocked, Reason.TIME_LIMIT if out_of_time else Reason.INTERNAL_ERROR)
        if too_long:
            await asyncio.gather(*(self._hand_back(job) for job in held if job is not by and not job.lost))
            self._ended = True
            self._exit(EX_SOFTWARE)

    async def _fail(self, held: Held, seconds: float, reason: Reason) -> None:
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

    async def _hand_back(self, held: Held) -> None:
        try:
            lease = held.claim.lease
            await retry_while_unavailable(lambda: self._store.hand_back(lease), within=self._settings.lease)
        except (LeaseLost, StoreUnavailable):
            log.warning("a job could not be handed back; it runs again elsewhere", job=held.claim.job.id)


def _who_blocks(held: list[Held]) -> Held | None:
    """The job whose code runs now."""
    if len(held) == 1:
        return held[0]
    owner = held[0].loop.owner()
    return next((job for job in held if job.claim.job.id == owner), None)
