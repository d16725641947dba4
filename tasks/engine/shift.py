"""The jobs that a child runs at once for one message of Celery's (docs/decisions/0025)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context

import structlog

from jobs.errors import StoreUnavailable
from tasks.engine.outage import RETRY_EVERY
from tasks.engine.outcome import Outcome

log = structlog.stdlib.get_logger("headrace.shift")


class Shift:
    """Slots: each runs a message's job, and what follows it in its chain; then it is free for another message.

    It ends when no slot is in use and no message came for a moment: so long the child serves its worker without asking
    Celery's parent for each job.
    """

    def __init__(
        self,
        slots: int,
        *,
        run: Callable[[str, int], Awaitable[Outcome]],
        take: Callable[[], Awaitable[str | None]],
        goes_on: Callable[[], bool],
    ) -> None:
        """`run` runs a message's job in a slot. `take` waits a moment for the next message.

        `goes_on` says whether the child may take another job; when it says no, that is for good.
        """
        self._run = run
        self._take = take
        self._goes_on = goes_on
        self._free = list(range(slots))
        self._in_use: set[asyncio.Task[Outcome]] = set()
        self._ended = asyncio.Event()
        """A slot has become free."""

    async def work(self, first: str) -> Outcome:
        """Runs the message's job and others beside it, to the last one's end; returns what became of the first."""
        of_first = self._begin(first)
        goes_on = True
        while self._in_use or goes_on:
            goes_on = self._goes_on()
            if goes_on and self._free:
                job_id = await self._next()
                if job_id is not None:
                    self._begin(job_id)
                elif not self._in_use:
                    break
            elif self._in_use:
                self._ended.clear()
                await self._ended.wait()
        return of_first.result()

    def _begin(self, job_id: str) -> asyncio.Task[Outcome]:
        slot = self._free.pop()
        # In a context of its own: what is known of the first message's job is not of this one.
        work = asyncio.get_running_loop().create_task(self._in_slot(slot, job_id), context=Context())
        self._in_use.add(work)
        work.add_done_callback(lambda done: self._leave(slot, done))
        return work

    async def _in_slot(self, slot: int, job_id: str) -> Outcome:
        return await self._run(job_id, slot)

    def _leave(self, slot: int, done: asyncio.Task[Outcome]) -> None:
        self._in_use.discard(done)
        self._free.append(slot)
        self._ended.set()
        if not done.cancelled() and (error := done.exception()):
            log.error("a slot has a fault; its job runs again elsewhere", exc_info=error)

    async def _next(self) -> str | None:
        try:
            return await self._take()
        except StoreUnavailable:
            await asyncio.sleep(RETRY_EVERY)
            return None
