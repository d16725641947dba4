"""The Celery worker: one task per kind, and Headrace's own parts hung onto Celery's boot steps and signals."""

import gc
import multiprocessing
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import structlog
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from billiard.process import current_process
from celery import Celery, Task, bootsteps, signals

from jobs import kinds
from jobs.celery_app import create_celery, renderer_of
from jobs.files import FileStore
from jobs.logs import configure_logging
from jobs.prices import Prices
from jobs.redis_address import RedisAddress
from jobs.scripts import programs_of
from jobs.settings import Settings
from tasks.engine import chain, message_filter
from tasks.engine.child import Child, Place
from tasks.engine.consumer import FLUSH_EVERY, consumer_of
from tasks.engine.loop_guard import EX_SOFTWARE
from tasks.engine.monitors import MessageRequest, Monitors
from tasks.engine.outcome import Outcome
from tasks.engine.parent import Parent
from tasks.engine.pool import pool_of
from tasks.providers.registry import missing

log = structlog.stdlib.get_logger("headrace.worker")

HARD_LIMIT_MARGIN = timedelta(minutes=1)
"""How long after its own time limit a job's process is killed, if it was the last of its chain: the last resort."""
LOOK_FOR_CHILD_EVERY = 0.2
"""Seconds. A worker whose child has ended, or was replaced after so many jobs, does nothing until it looks."""


class Worker:
    """Both sides of a worker: the parent from the start on, and the child in each process that runs jobs."""

    def __init__(
        self,
        settings: Settings,
        *,
        exit_process: Callable[[int], object] = os._exit,
        on_taken: Callable[[str], object] = lambda _: None,
    ) -> None:
        """`exit_process` ends the process at once with an exit code, when no better end is to be had.

        `on_taken` is called, in a child, with each job that it runs of whose message Celery has not heard.
        """
        self._on_taken = on_taken
        self._settings = settings
        self._exit = exit_process
        self._child_broken = multiprocessing.Event()
        """Shared with the children, which cannot end the worker with an exit code that says so."""
        self.parent = Parent(settings, exit_process=exit_process, on_recovered=self._tell_of_recovered)
        self._child: Child | None = None
        self._monitors: Monitors | None = None

    def require_usable_settings(self, **_: Any) -> None:  # noqa: ANN401  # a signal's
        """Ends a worker that could not work."""
        why = startup_fault(self._settings)
        if why:
            raise SystemExit(f"headrace: {why}")

    def child_worn_out(self) -> bool:
        """In a child: whether another process should take its place."""
        return self._child is not None and self._child.worn_out

    def open_child(self, app: Celery, node: str) -> None:
        """In a new child of the worker that Celery calls `node`.

        One that cannot be opened would take jobs and not run them: it ends, the worker with it.
        """
        try:
            number: int = cast("Any", current_process()).index
            place = Place(
                worker=self.parent.worker,
                queues=self.parent.consumed.now,
                monitors=Monitors(app, node),
                on_claim=self.parent.note_claim,
                on_job=lambda job: self.parent.current_jobs.note(number, job),
                on_free=lambda slot: self.parent.current_jobs.clear(number, slot),
                on_taken=self._on_taken,
                on_look=self.parent.pulse.beat,
            )
            self._child = Child(self._settings, place)
        except Exception:
            log.critical("this process cannot run jobs; ending the worker", exc_info=True)
            self._child_broken.set()
            os._exit(EX_SOFTWARE)

    def end_if_child_broken(self) -> None:
        if self._child_broken.is_set():
            self._exit(EX_SOFTWARE)

    def close_child(self) -> None:
        if self._child is not None:
            self._child.close()

    def run(self, job_id: str) -> str:
        assert self._child is not None, "worker_process_init comes before any task"
        return self._child.run(job_id)

    def open_parent(self, app: Celery, node: str, queues: list[str]) -> None:
        """In the parent of the worker that Celery calls `node`, once it has forked its first child."""
        self._monitors = Monitors(app, node)
        self.parent.start(queues)

    def close_parent(self) -> None:
        self.parent.hand_back_and_exit()
        self.parent.stop()
        if self._monitors is not None:
            self._monitors.close()

    def _tell_of_recovered(self, job_id: str, outcome: Outcome) -> None:
        if self._monitors is not None:
            self._monitors.left(job_id, outcome)


def startup_fault(settings: Settings) -> str | None:
    """Why a worker could do no job that leaves the provider to the settings, price none or keep no file; or None."""
    # Looked for now, so that a missing pipeline stops the worker and not the job.
    for kind in kinds.known():
        if fault := kind.missing_pipeline():
            return fault
    name = settings.usual_provider
    lack = missing(name, settings)
    if lack:
        return f"the {name} provider cannot be used here: {lack}"
    try:
        Prices.load(settings.prices)
    except ValueError as error:
        return f"HEADRACE_PRICES: {error}"
    return FileStore.fault(settings)


def create_worker(settings: Settings, worker: Worker | None = None) -> Celery:
    """The app that `celery worker` runs."""
    message_filter.install(RedisAddress.of(settings))
    app = create_celery(settings)
    worker = worker or Worker(settings)

    def run(task: Task[..., str]) -> str:
        """The body of every task: its id is the job's. The answer is for Flower; the record has the result."""
        assert task.request.id is not None, "Celery gives every task its id"
        return worker.run(task.request.id)

    for kind in kinds.known():
        hard_limit = int((chain.LENGTH + kind.time_limit + HARD_LIMIT_MARGIN).total_seconds())
        # One message may keep a process that many jobs share at work for days: there the child itself ends what does
        # not stop, and the parent ends a child that keeps no leases.
        limit: Any = None if settings.jobs_per_worker > 1 else hard_limit
        app.task(name=kind.name, bind=True, time_limit=limit, Request=MessageRequest)(run)
    app.task(name=message_filter.UNKNOWN_KIND, bind=True, Request=MessageRequest)(run)
    app.conf.worker_consumer = consumer_of(worker.parent.consumed.note)
    app.conf.worker_pool = pool_of(worker.child_worn_out)
    app.steps["worker"].add(_parent_step(worker))
    _connect(worker, app, settings)
    return app


def _parent_step(ours: Worker) -> type[bootsteps.StartStopStep]:
    class ParentStep(bootsteps.StartStopStep):
        """Starts the parent's thread once the pool has forked its first child, and stops it before the pool."""

        requires = ("celery.worker.components:Pool",)

        def start(self, parent: Any) -> None:  # noqa: ANN401  # Celery's worker
            ours.open_parent(parent.app, parent.hostname, list(parent.app.amqp.queues.consume_from))

        def register_with_event_loop(self, parent: Any, hub: Any) -> None:  # noqa: ANN401
            hub.call_repeatedly(1, ours.parent.watchdog.tick)
            hub.call_repeatedly(FLUSH_EVERY, parent.consumer.flush_events)
            hub.call_repeatedly(1, ours.end_if_child_broken)
            # Celery looks every 5 s for a child that has ended unheard, and hears only some of them.
            hub.call_repeatedly(LOOK_FOR_CHILD_EVERY, parent.pool.maintain_pool)

        def stop(self, parent: Any) -> None:  # noqa: ANN401, ARG002
            # Not every stop begins with the signal that says so: a remote `shutdown` does not.
            ours.close_parent()

        terminate = stop

    return ParentStep


def _connect(worker: Worker, app: Celery, settings: Settings) -> None:
    def settle(**_: Any) -> None:  # noqa: ANN401  # Celery's signals
        # A child shares what its parent has in memory by now.
        programs_of(settings, renderer_of(settings).lua())
        # What is loaded by now stays: Celery looks for garbage before each fork, 150 ms in which nothing else is done.
        gc.collect()
        gc.freeze()

    def set_up_logging(**_: Any) -> None:  # noqa: ANN401
        configure_logging(settings)

    def open_child(sender: str, **_: Any) -> None:  # noqa: ANN401
        worker.open_child(app, sender)

    def close_child(**_: Any) -> None:  # noqa: ANN401
        worker.close_child()

    def shutting_down(**_: Any) -> None:  # noqa: ANN401
        worker.parent.hand_back_and_exit()

    def task_failed(task_id: str, exception: BaseException, **_: Any) -> None:  # noqa: ANN401
        # Sent in the parent when a child was lost or killed; a task's own failures are the attempt's business.
        if isinstance(exception, WorkerLostError | TimeLimitExceeded):
            worker.parent.child_failed(task_id, exception)

    def ready(**_: Any) -> None:  # noqa: ANN401
        worker.parent.watchdog.ready()

    def received(**_: Any) -> None:  # noqa: ANN401
        worker.parent.watchdog.received()

    # Not weakly: nothing else holds these functions.
    signals.celeryd_init.connect(worker.require_usable_settings, weak=False)
    signals.worker_init.connect(settle, weak=False)
    signals.setup_logging.connect(set_up_logging, weak=False)
    signals.worker_process_init.connect(open_child, weak=False)
    signals.worker_process_shutdown.connect(close_child, weak=False)
    signals.worker_ready.connect(ready, weak=False)
    signals.task_received.connect(received, weak=False)
    signals.worker_shutting_down.connect(shutting_down, weak=False)
    signals.task_failure.connect(task_failed, weak=False)
