"""A worker's child process: one event loop for all its jobs, so that connections to Redis and providers stay open."""

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import timedelta

import structlog

from jobs import kinds
from jobs.errors import StoreUnavailable
from jobs.files import FileStore
from jobs.leases import Refusal
from jobs.settings import Settings
from jobs.store import JobStore
from tasks.engine.attempt import Attempt, CancellationIgnored, claim, leave_to_another
from tasks.engine.backend import Tools
from tasks.engine.lease import EX_SOFTWARE, LeaseThread
from tasks.engine.metering import Meter
from tasks.providers.registry import Providers

log = structlog.stdlib.get_logger("headrace.child")

HAND_BACK = signal.SIGUSR2
"""From the parent: hand the job back, we are stopping. SIGUSR1 and SIGTERM mean other things to Celery's children."""
PATIENCE = timedelta(seconds=5)
"""How long Redis may take to answer."""


class JobRunner:
    """Runs one job after another in the event loop."""

    def __init__(self, tools: Tools, leases: LeaseThread, *, worker: str, on_claim: Callable[[], object]) -> None:
        """`on_claim` is called after each claim that the store has answered, be it with a refusal."""
        self._tools = tools
        self._leases = leases
        self._worker = worker
        self._on_claim = on_claim
        self._attempt_now: Attempt | None = None
        self._stopping = False

    async def run(self, job_id: str) -> str:
        """Runs the job if it is to be had; returns what became of it."""
        try:
            claimed = await claim(job_id, self._tools, worker=self._worker)
        except StoreUnavailable:
            log.warning("job not claimed: the store is away; the sweep will find it")
            return "not claimed"
        self._on_claim()
        if isinstance(claimed, Refusal):
            log.info("message dropped: nothing to claim", state=claimed.state)
            return f"refused: {claimed.state}"
        try:
            attempt = Attempt(claimed, kinds.get(claimed.job.kind), self._tools)
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

    def stop(self) -> None:
        """Hands the job back that runs now, and any that is taken from now on."""
        self._stopping = True
        if self._attempt_now is not None:
            self._attempt_now.interrupt()


class Child:
    """What a child process keeps between jobs: its loop, and the jobs' connections, which live in that loop."""

    def __init__(self, settings: Settings, *, worker: str, on_claim: Callable[[], object]) -> None:
        """`on_claim` as in JobRunner."""
        self._runner = asyncio.Runner()
        self._leases = LeaseThread(settings)
        self._tools = self._runner.run(_open_tools(settings))
        self._jobs = JobRunner(self._tools, self._leases, worker=worker, on_claim=on_claim)
        # The loop keeps a signal that comes between two jobs until it runs again.
        self._runner.get_loop().add_signal_handler(HAND_BACK, self._jobs.stop)

    def run(self, job_id: str) -> str:
        """Runs the job if it is to be had; returns what became of it."""
        with structlog.contextvars.bound_contextvars(job=job_id):
            # Not by the runner's `run`: that changes the handler of SIGINT twice a job, and hides the name bound above.
            return self._runner.get_loop().run_until_complete(self._jobs.run(job_id))

    def close(self) -> None:
        self._leases.close()
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
