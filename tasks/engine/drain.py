"""A worker that ends by itself: `headrace drain`. The ordinary worker, and a watch beside it that tells it to stop.

It is told as a platform tells it, by SIGTERM, so that there is one way to stop: a job that runs has a moment to finish
and is then handed back.
"""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import structlog
from celery import bootsteps, signals
from celery.worker import state as celery_state

from jobs.errors import StoreUnavailable
from jobs.fleet import Fleet
from jobs.settings import Settings
from jobs.states import State
from jobs.store import JobStore
from tasks.engine.ended_jobs import EndedJobs
from tasks.engine.loop_thread import LoopThread
from tasks.engine.taken_jobs import TakenJobs
from tasks.engine.worker import Worker, create_worker

log = structlog.stdlib.get_logger("headrace.drain")

LOOK_EVERY = 0.5
"""Seconds between two looks at the queue and at the records of the jobs that ran."""
PATIENCE = timedelta(seconds=3)


class ExitReason(StrEnum):
    QUEUE_EMPTY = "queue_empty"
    """Nothing to do for the whole of the empty-queue timeout."""
    MAX_RUNTIME = "max_runtime"
    STOPPED = "stopped"
    """By SIGTERM or Ctrl-C."""
    REDIS_AWAY = "redis_away"
    """Redis did not answer for the whole of the Redis timeout."""
    WORKER_BROKEN = "worker_broken"
    """The worker ended by itself, or did not stop in time; its last log lines say why."""


GOOD = {ExitReason.QUEUE_EMPTY, ExitReason.MAX_RUNTIME, ExitReason.STOPPED}


@dataclass(frozen=True)
class Limits:
    max_runtime: timedelta
    empty_queue_timeout: timedelta
    redis_timeout: timedelta


@dataclass(frozen=True)
class Summary:
    """What a drain did. Jobs are counted that ended under this worker, by their records."""

    processed: int
    """Completed or failed."""
    failed: int
    success_rate: float | None
    """Completed of those processed, 0 to 1; null when there were none."""
    runtime: float
    """Seconds, with start and stop."""
    waiting: int | None
    """Jobs that waited for a worker at the end; null if Redis never said."""
    exit_reason: ExitReason

    def to_json(self) -> str:
        return json.dumps(asdict(self))


class _Ending:
    """Why it ends: the first reason that was given, unless the worker broke on its way out."""

    def __init__(self) -> None:
        self.reason: ExitReason | None = None

    def give(self, reason: ExitReason) -> None:
        self.reason = self.reason or reason

    def give_broken(self) -> None:
        # Without Redis no worker stops in good order: then that is still the reason.
        if self.reason is not ExitReason.REDIS_AWAY:
            self.reason = ExitReason.WORKER_BROKEN


class Drain:
    """One run of a worker until there is a reason to end it."""

    def __init__(
        self, settings: Settings, limits: Limits, *, stop_requested: threading.Event, report: Callable[[Summary], None]
    ) -> None:
        """`stop_requested` is set by a signal that came before Celery listens. `report` gets the summary, once."""
        self._settings = settings
        self._limits = limits
        self._stop_requested = stop_requested
        self._report = report
        self._began = time.monotonic()
        self._ending = _Ending()
        self._worker_ended = False
        self._waiting: int | None = None
        self._reporting = threading.Lock()
        self._summary: Summary | None = None
        self._thread = LoopThread("drain")
        self._taken = TakenJobs()
        self._worker = Worker(settings, exit_process=self._exit_hard, on_taken=self._taken.note)
        self._store = JobStore.open(settings, name="headrace-drain", patience=PATIENCE)
        self._fleet = Fleet(self._store.redis, patience=PATIENCE)
        self._ended_jobs = EndedJobs(self._store.redis, self._worker.parent.worker, patience=PATIENCE)

    def run(self) -> int:
        """Works until an end is reached; returns the exit code of the process."""
        app = create_worker(self._settings, self._worker)
        app.steps["worker"].add(_watch_step(self))
        signals.task_received.connect(self._received, weak=False)
        signals.worker_shutting_down.connect(self._stopping, weak=False)
        worker: Any = app.Worker(quiet=True, without_gossip=True, without_mingle=True)
        worker.start()
        if self._ending.reason is None or worker.exitcode:
            self._ending.give_broken()
        self._worker_ended = True
        self._thread.start()  # it may have been stopped so early that the watch did not begin
        self._thread.close(self._last_look())
        return self._finish()

    def start_watch(self) -> None:
        """Once Celery has its signal handlers, and has forked its child: a thread is no good thing to fork."""
        # Celery's own answer to Ctrl-C is the same stop, but an exit code of 1.
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGTERM))
        self._thread.start()
        self._thread.run(self._watch())

    # -- The watch ----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        try:
            reason = await self._until_due()
        except Exception:
            log.critical("the watch has a fault; ending the worker", exc_info=True)
            reason = ExitReason.WORKER_BROKEN
        if reason is ExitReason.REDIS_AWAY:
            log.error(
                "giving up: Redis does not answer; check REDIS_URL and the network",
                seconds=self._limits.redis_timeout.total_seconds(),
            )
        self._ending.give(reason)
        os.kill(os.getpid(), signal.SIGTERM)

    async def _until_due(self) -> ExitReason:
        """Looks until there is a reason to stop. Raises what Redis says that is not of its being away."""
        answered = worked = time.monotonic()
        while not (reason := self._due(answered, worked)):
            try:
                await self._look()
            except StoreUnavailable:
                worked = time.monotonic()
            else:
                answered = time.monotonic()
                if self._waiting or celery_state.reserved_requests:
                    worked = answered
            await asyncio.sleep(LOOK_EVERY)
        return reason

    def _due(self, answered: float, worked: float) -> ExitReason | None:
        """Why to stop now, or None. Both are times: when Redis last answered, and when there was last work to do."""
        now = time.monotonic()
        if self._stop_requested.is_set():
            return ExitReason.STOPPED
        if now - self._began >= self._limits.max_runtime.total_seconds():
            return ExitReason.MAX_RUNTIME
        if now - answered >= self._limits.redis_timeout.total_seconds():
            return ExitReason.REDIS_AWAY
        if now - worked >= self._limits.empty_queue_timeout.total_seconds():
            return ExitReason.QUEUE_EMPTY
        return None

    async def _look(self) -> None:
        self._waiting = await self._fleet.waiting()
        for job_id in self._taken.new():
            self._ended_jobs.received(job_id)
        await self._ended_jobs.look()

    async def _last_look(self) -> None:
        try:
            await self._look()
        except Exception as error:  # noqa: BLE001  # the summary must come, whatever Redis says
            log.warning("the last jobs may not be counted: the store is away", why=str(error))
        await self._store.aclose()

    # -- Signals and the end ------------------------------------------------------------------------------------------

    def _received(self, request: Any, **_: Any) -> None:  # noqa: ANN401  # Celery's signals
        self._ended_jobs.received(request.id)

    def _stopping(self, **_: Any) -> None:  # noqa: ANN401
        self._ending.give(ExitReason.STOPPED)

    def _exit_hard(self, _code: int) -> None:
        """In place of an exit that says nothing: from the parent's threads, when the worker or the last look hangs."""
        if not self._worker_ended:
            self._ending.give_broken()
        os._exit(self._finish())

    def _finish(self) -> int:
        """Reports, if that has not been done; returns the exit code."""
        assert self._ending.reason is not None, "it has ended for a reason"
        with self._reporting:
            if self._summary is None:
                self._summary = self._sum_up(self._ending.reason)
                log.info("drained", **asdict(self._summary))
                self._report(self._summary)
            return 0 if self._summary.exit_reason in GOOD else 1

    def _sum_up(self, reason: ExitReason) -> Summary:
        completed, failed = self._ended_jobs.count(State.COMPLETED), self._ended_jobs.count(State.FAILED)
        processed = completed + failed
        return Summary(
            processed=processed,
            failed=failed,
            success_rate=round(completed / processed, 4) if processed else None,
            runtime=round(time.monotonic() - self._began, 1),
            waiting=self._waiting,
            exit_reason=reason,
        )


def _watch_step(ours: Drain) -> type[bootsteps.StartStopStep]:
    class WatchStep(bootsteps.StartStopStep):
        requires = ("celery.worker.components:Pool",)

        def start(self, parent: Any) -> None:  # noqa: ANN401, ARG002  # Celery's worker
            ours.start_watch()

        def stop(self, parent: Any) -> None:  # noqa: ANN401
            """The watch goes on until the pool has stopped: the last jobs count."""

        terminate = stop

    return WatchStep
