"""What Celery's monitors, such as Flower, are told of the jobs that a process runs.

Celery's parent tells of messages; one may begin a chain of jobs, and however a job ends, its task has succeeded.
"""

import threading
import time
from collections import deque
from typing import Any

import structlog
from celery import Celery
from celery.events import EventDispatcher
from celery.worker.request import Request

from jobs.states import State
from tasks.engine.consumer import FLUSH_EVERY
from tasks.engine.outcome import Left, Outcome

log = structlog.stdlib.get_logger("headrace.monitors")

AT_ONCE = 500
"""Most events in one message to the monitors."""
KEPT = 10_000
"""Most events that wait while the broker is away; then the oldest are not told."""


class Monitors:
    """Tells of jobs by their ids, under their kinds, as of Celery's tasks. No call waits, and none fails."""

    def __init__(self, app: Celery, node: str) -> None:
        """`node` is the worker's name in Celery. Nothing is told if the app's `worker_send_task_events` is off."""
        self._app = app
        self._node = node
        self._told = bool(app.conf.worker_send_task_events)
        self._events: deque[tuple[str, dict[str, Any]]] = deque(maxlen=KEPT)
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def received(self, job_id: str, kind: str) -> None:
        """A job that no message named is to run next."""
        self._tell("task-received", job_id, name=kind, args="()", kwargs="{}", root_id=job_id, retries=0)

    def started(self, job_id: str) -> None:
        self._tell("task-started", job_id)

    def left(self, job_id: str, outcome: Outcome, *, seconds: float | None = None) -> None:
        """A job that ran for so long is no longer run by this worker."""
        reason = f"{outcome.reason}: {outcome.message}" if outcome.message else outcome.reason or str(outcome)
        match outcome:
            case Outcome(left=Left.COMPLETED):
                self._tell("task-succeeded", job_id, result=outcome.left, runtime=seconds)
            case Outcome(left=Left.FAILED):
                self._tell("task-failed", job_id, exception=reason, traceback="")
            case Outcome(left=Left.LOST | Left.REFUSED, reason=State.CANCELLED | State.EXPIRED):
                expired = outcome.reason == State.EXPIRED
                self._tell("task-revoked", job_id, terminated=outcome.left is Left.LOST, signum=None, expired=expired)
            case Outcome(left=Left.REFUSED | Left.UNCLAIMED):
                return  # whoever has it tells of it
            case _:
                self._tell("task-retried", job_id, exception=reason, traceback="")

    def close(self) -> None:
        """Tells the rest."""
        if self._thread is not None:
            self._closed.set()
            self._thread.join(timeout=1)

    def _tell(self, event: str, job_id: str, **fields: Any) -> None:  # noqa: ANN401  # what JSON has
        if not self._told:
            return
        self._events.append((event, {"uuid": job_id, "timestamp": time.time(), **fields}))
        if self._thread is None:
            self._thread = threading.Thread(target=self._tell_for_ever, name="monitors", daemon=True)
            self._thread.start()

    def _tell_for_ever(self) -> None:
        with self._app.connection_for_write() as connection:
            dispatcher = EventDispatcher(
                connection,
                hostname=self._node,
                app=self._app,
                groups=["task"],
                buffer_group=["task"],
                buffer_limit=AT_ONCE,
                buffer_while_offline=False,
            )
            while not self._closed.wait(FLUSH_EVERY):
                self._tell_all(dispatcher)
            self._tell_all(dispatcher)

    def _tell_all(self, dispatcher: EventDispatcher) -> None:
        try:
            while self._events:
                event, fields = self._events.popleft()
                dispatcher.send(event, **fields)
            dispatcher.flush()
        except Exception as error:  # noqa: BLE001  # whatever a broker that is away makes kombu raise
            log.debug("monitors not told", why=str(error))


class MessageRequest(Request):
    """Celery's parent says only that a message came. What becomes of its job says the process that runs it."""

    def send_event(self, type: str, **fields: Any) -> None:  # noqa: A002, ANN401  # Celery's own signature
        if type not in {"task-started", "task-succeeded", "task-failed"}:
            super().send_event(type, **fields)
