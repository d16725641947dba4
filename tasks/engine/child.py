"""A worker's child process: one event loop for all its jobs, so that connections to Redis and providers stay open."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import structlog
from billiard.compat import mem_rss

from jobs import kinds
from jobs.errors import StoreUnavailable
from jobs.files import FileStore
from jobs.leases import Claim, Refusal
from jobs.settings import Settings
from jobs.store import JobStore
from tasks.engine.attempt import Attempt, CancellationIgnored, leave_to_another
from tasks.engine.backend import Tools
from tasks.engine.chain import Chain
from tasks.engine.current_jobs import CurrentJob
from tasks.engine.inlet import Inlet
from tasks.engine.lease import LeaseThread
from tasks.engine.loop_guard import CANCEL_GRACE, EX_SOFTWARE
from tasks.engine.metering import Meter
from tasks.engine.monitors import Monitors
from tasks.engine.outcome import Left, Outcome
from tasks.engine.shift import Shift
from tasks.engine.task_owners import OWNER, note_owners
from tasks.providers.registry import Providers

log = structlog.stdlib.get_logger("headrace.child")

HAND_BACK = signal.SIGUSR2
"""From the parent: hand the job back, we are stopping. SIGUSR1 and SIGTERM mean other things to Celery's children."""
PATIENCE = timedelta(seconds=5)
"""How long Redis may take to answer."""


@dataclass(frozen=True)
class Place:
    """What a child has of its worker."""

    worker: str
    queues: Callable[[], Sequence[str]]
    """Those that it consumes by now."""
    monitors: Monitors
    on_claim: Callable[[], object]
    """Called each time that the store has answered a claim, be it with a refusal."""
    on_job: Callable[[CurrentJob], object]
    """Called before each claim by a message, and before each job of a chain is begun."""
    on_free: Callable[[int], object] = lambda _: None
    """Called when no job has this slot any longer, of a child that runs many at once."""
    on_taken: Callable[[str], object] = lambda _: None
    """Called with each job whose message the child has taken itself, if it runs many at once."""
    on_look: Callable[[], object] = lambda: None
    """Called as long as the leases are kept, several times a second."""


class JobRunner:
    """Runs one job after another in the event loop, or many at once."""

    def __init__(self, tools: Tools, leases: LeaseThread, place: Place, inlet: Inlet | None = None) -> None:
        """With an `inlet`, HEADRACE_JOBS_PER_WORKER at once, for whose messages it is asked; otherwise one."""
        self._tools = tools
        self._leases = leases
        self._place = place
        self._inlet = inlet
        self._name = uuid4().hex
        self._chains = itertools.count()
        self._jobs_left = tools.settings.max_tasks_per_child * tools.settings.jobs_per_worker
        self._attempts: dict[Attempt, asyncio.Task[Any] | None] = {}
        """Those that run now, and the tasks that they run in."""
        self._stopping = False

    @property
    def worn_out(self) -> bool:
        """It has run as many jobs as one process should."""
        return self._jobs_left <= 0

    async def run(self, job_id: str) -> Outcome:
        """Runs the job if it is to be had, and what else is to be run for its message; returns what became of it."""
        if self._inlet is None:
            return await self._run_chain(job_id, message_id=job_id)

        async def run(other_id: str, slot: int) -> Outcome:
            if other_id != job_id:
                self._place.on_taken(other_id)
            return await self._run_chain(other_id, message_id=job_id, slot=slot)

        slots = self._tools.settings.jobs_per_worker
        return await Shift(slots, run=run, take=self._inlet.take, goes_on=self._goes_on).work(job_id)

    def stop(self) -> None:
        """Hands the jobs back that run now, and any that is taken from now on."""
        self._stopping = True
        for attempt in self._attempts:
            attempt.interrupt()

    async def _run_chain(self, job_id: str, *, message_id: str, slot: int = 0) -> Outcome:
        try:
            return await self._run_all(job_id, message_id=message_id, slot=slot)
        finally:
            if self._inlet is not None:
                self._place.on_free(slot)

    async def _run_all(self, job_id: str, *, message_id: str, slot: int) -> Outcome:
        """Runs the job if it is to be had, and those that follow in a chain; returns what became of it."""
        place = self._place
        chain = Chain(
            self._tools,
            token=f"{self._name}:{next(self._chains)}",
            worker=place.worker,
            queues=place.queues,
            goes_on=self._goes_on,
            on_answer=place.on_claim,
        )
        place.on_job(CurrentJob(message_id=message_id, job_id=job_id, token=chain.token, slot=slot))
        self._jobs_left -= 1
        try:
            claimed = await chain.begin(job_id)
        except StoreUnavailable:
            log.warning("job not claimed: the store is away; the sweep will find it")
            return Outcome(Left.UNCLAIMED)
        if isinstance(claimed, Refusal):
            log.info("message dropped: nothing to claim", state=claimed.state)
            refused = Outcome(Left.REFUSED, claimed.state)
            place.monitors.left(job_id, refused)
            return refused
        if job_id != message_id:
            # Of the first message Celery's parent has told.
            place.monitors.received(job_id, claimed.job.kind)
        outcome = await self._run(claimed, chain)
        while following := chain.take_next():
            self._jobs_left -= 1
            job = CurrentJob(message_id=message_id, job_id=following.job.id, token=chain.token, slot=slot)
            place.on_job(job)
            place.monitors.received(following.job.id, following.job.kind)
            await self._run(following, chain)
        return outcome

    async def _run(self, claimed: Claim, chain: Chain) -> Outcome:
        job, began = claimed.job, time.monotonic()
        OWNER.set(job.id)
        self._place.monitors.started(job.id)
        # What a library logs says which job it was for.
        with structlog.contextvars.bound_contextvars(job=job.id):
            outcome = await self._attempt(claimed, chain)
        self._place.monitors.left(job.id, outcome, seconds=time.monotonic() - began)
        return outcome

    async def _attempt(self, claimed: Claim, chain: Chain) -> Outcome:
        try:
            attempt = Attempt(claimed, kinds.get(claimed.job.kind), self._tools, chain)
        except Exception as error:  # noqa: BLE001  # whatever keeps this worker from it need not keep another
            log.warning("job left to another worker", kind=claimed.job.kind, why=str(error))
            return await leave_to_another(claimed.lease, error, self._tools)
        self._attempts[attempt] = asyncio.current_task()
        if self._stopping:
            attempt.interrupt()
        try:
            return await attempt.run(self._leases)
        except CancellationIgnored:
            log.critical("pipeline goes on after its cancellation; ending the process")
            await self._hand_back_others(attempt)
            os._exit(EX_SOFTWARE)
        finally:
            self._attempts.pop(attempt, None)

    async def _hand_back_others(self, stubborn: Attempt) -> None:
        """Before this process ends, or as far as that goes in the time that a job needs at most."""
        self.stop()
        others = [task for attempt, task in self._attempts.items() if attempt is not stubborn and task is not None]
        if others:
            most = self._tools.settings.grace.total_seconds() + CANCEL_GRACE + PATIENCE.total_seconds()
            await asyncio.wait(others, timeout=most)

    def _goes_on(self) -> bool:
        """Whether this process may take another job."""
        # Celery looks at the memory between two messages, and then replaces the process.
        most = self._tools.settings.max_memory_per_child
        return not self._stopping and not self.worn_out and (most == 0 or mem_rss() <= most)


class Child:
    """What a child process keeps between jobs: its loop, and the jobs' connections, which live in that loop."""

    def __init__(self, settings: Settings, place: Place) -> None:
        self._runner = asyncio.Runner()
        self._leases = LeaseThread(settings, on_look=place.on_look)
        self._tools = self._runner.run(_open_tools(settings))
        self._monitors = place.monitors
        self._inlet: Inlet | None = None
        if settings.jobs_per_worker > 1:
            note_owners(self._runner.get_loop())
            self._inlet = Inlet.open(settings, place.queues)
        self._jobs = JobRunner(self._tools, self._leases, place, self._inlet)
        # The loop keeps a signal that comes between two jobs until it runs again.
        self._runner.get_loop().add_signal_handler(HAND_BACK, self._jobs.stop)

    @property
    def worn_out(self) -> bool:
        """Another process should take its place."""
        return self._jobs.worn_out

    def run(self, job_id: str) -> str:
        """Runs the job if it is to be had, and what else is to be run for its message; returns what became of it."""
        with structlog.contextvars.bound_contextvars(job=job_id):
            # Not by the runner's `run`: that changes the handler of SIGINT twice a job, and hides the name bound above.
            return str(self._runner.get_loop().run_until_complete(self._jobs.run(job_id)))

    def close(self) -> None:
        self._leases.close()
        self._monitors.close()
        self._runner.run(_close(self._tools, self._inlet))
        self._runner.close()


async def _open_tools(settings: Settings) -> Tools:
    store = JobStore.open(settings, name="headrace-child", patience=PATIENCE)
    return Tools(
        settings=settings,
        store=store,
        files=FileStore.open(settings),
        providers=Providers(settings),
        meter=Meter(settings, store),
    )


async def _close(tools: Tools, inlet: Inlet | None) -> None:
    if inlet is not None:
        await inlet.aclose()
    await tools.providers.aclose()
    await tools.store.aclose()
