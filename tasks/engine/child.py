"""A worker's child process: one event loop for all its jobs, so that connections to Redis and providers stay open."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

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
from tasks.engine.lease import EX_SOFTWARE, LeaseThread
from tasks.engine.metering import Meter
from tasks.engine.monitors import Monitors
from tasks.engine.outcome import Left, Outcome
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


class JobRunner:
    """Runs one job after another in the event loop."""

    def __init__(self, tools: Tools, leases: LeaseThread, place: Place) -> None:
        self._tools = tools
        self._leases = leases
        self._place = place
        self._jobs_left = tools.settings.max_tasks_per_child
        self._attempt_now: Attempt | None = None
        self._stopping = False

    @property
    def worn_out(self) -> bool:
        """It has run as many jobs as one process should."""
        return self._jobs_left <= 0

    async def run(self, job_id: str) -> Outcome:
        """Runs the job if it is to be had, and those that follow in a chain; returns what became of it."""
        place = self._place
        chain = Chain(
            self._tools,
            worker=place.worker,
            queues=place.queues,
            goes_on=self._goes_on,
            on_answer=place.on_claim,
        )
        place.on_job(CurrentJob(message_id=job_id, job_id=job_id, token=chain.token))
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
        outcome = await self._run(claimed, chain)
        while following := chain.take_next():
            self._jobs_left -= 1
            place.on_job(CurrentJob(message_id=job_id, job_id=following.job.id, token=chain.token))
            place.monitors.received(following.job.id, following.job.kind)
            await self._run(following, chain)
        return outcome

    def stop(self) -> None:
        """Hands the job back that runs now, and any that is taken from now on."""
        self._stopping = True
        if self._attempt_now is not None:
            self._attempt_now.interrupt()

    async def _run(self, claimed: Claim, chain: Chain) -> Outcome:
        job, began = claimed.job, time.monotonic()
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
        self._attempt_now = attempt
        if self._stopping:
            attempt.interrupt()
        try:
            return await attempt.run(self._leases)
        except CancellationIgnored:
            log.critical("pipeline goes on after its cancellation; ending the process")
            os._exit(EX_SOFTWARE)
        finally:
            self._attempt_now = None

    def _goes_on(self) -> bool:
        """Whether this process may take another job."""
        # Celery looks at the memory between two messages, and then replaces the process.
        most = self._tools.settings.max_memory_per_child
        return not self._stopping and not self.worn_out and (most == 0 or mem_rss() <= most)


class Child:
    """What a child process keeps between jobs: its loop, and the jobs' connections, which live in that loop."""

    def __init__(self, settings: Settings, place: Place) -> None:
        self._runner = asyncio.Runner()
        self._leases = LeaseThread(settings)
        self._tools = self._runner.run(_open_tools(settings))
        self._monitors = place.monitors
        self._jobs = JobRunner(self._tools, self._leases, place)
        # The loop keeps a signal that comes between two jobs until it runs again.
        self._runner.get_loop().add_signal_handler(HAND_BACK, self._jobs.stop)

    @property
    def worn_out(self) -> bool:
        """Another process should take its place."""
        return self._jobs.worn_out

    def run(self, job_id: str) -> str:
        """Runs the job if it is to be had, and those that follow in a chain; returns what became of it."""
        with structlog.contextvars.bound_contextvars(job=job_id):
            # Not by the runner's `run`: that changes the handler of SIGINT twice a job, and hides the name bound above.
            return str(self._runner.get_loop().run_until_complete(self._jobs.run(job_id)))

    def close(self) -> None:
        self._leases.close()
        self._monitors.close()
        self._runner.run(_close_tools(self._tools))
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


async def _close_tools(tools: Tools) -> None:
    await tools.providers.aclose()
    await tools.store.aclose()
