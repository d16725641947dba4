"""A worker's parent process beside Celery: it sweeps, reports that the worker is there, and recovers what a child lost.

All of it runs in one thread with an event loop of its own, so that neither Celery nor Redis can hold it up.
"""

import asyncio
import math
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from multiprocessing.sharedctypes import RawValue
from typing import TypeVar
from uuid import uuid4

import structlog
from billiard.exceptions import TimeLimitExceeded
from celery.worker import state as celery_state

from jobs.errors import LeaseLost, StoreUnavailable
from jobs.fleet import Fleet, WorkerReport
from jobs.leases import Lease
from jobs.model import JobError
from jobs.schedules import ScheduleStore
from jobs.settings import Settings
from jobs.states import Reason, State
from jobs.store import JobStore
from tasks.engine import message_filter
from tasks.engine.child import HAND_BACK
from tasks.engine.consumed_queues import ConsumedQueues
from tasks.engine.current_jobs import CurrentJob, CurrentJobs
from tasks.engine.health import HealthServer
from tasks.engine.loop_thread import LoopThread
from tasks.engine.outage import retry_while_unavailable
from tasks.engine.outcome import Left, Outcome
from tasks.engine.pulse import Pulse
from tasks.engine.watchdog import Watchdog

T = TypeVar("T")
log = structlog.stdlib.get_logger("headrace.parent")

PATIENCE = timedelta(seconds=3)
LOOKS = 6
"""Reports of a worker, and looks at its queues, within the time after which the watchdog acts."""
HAND_BACK_EVERY = 0.2
"""Seconds between two reminders to a child that it is to hand its job back: it may just be taking one."""
EX_STOPPED_HARD = 75


@dataclass(frozen=True)
class _Connected:
    """What only a worker that was started has."""

    store: JobStore
    fleet: Fleet


class Parent:
    """One per worker. `worker` is unique among all workers, also where every host is called localhost."""

    def __init__(
        self,
        settings: Settings,
        *,
        exit_process: Callable[[int], object] = os._exit,
        on_recovered: Callable[[str, Outcome], object] = lambda _job, _outcome: None,
    ) -> None:
        """`on_recovered` is told, in the parent's thread, what became of a job whose child died."""
        self.worker = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
        self._settings = settings
        self._exit = exit_process
        self._on_recovered = on_recovered
        self.current_jobs = CurrentJobs(settings.jobs_per_worker)
        self.pulse = Pulse(looks=LOOKS)
        self.consumed = ConsumedQueues()
        self._started_at = datetime.now(UTC)
        self.watchdog = Watchdog(settings.watchdog)
        # Without a lock: a child that is killed would keep it.
        self._claimed_at = RawValue("d", -math.inf)
        self._thread = LoopThread("parent")
        self._health: HealthServer | None = None
        self._connected: _Connected | None = None
        self._store_away = False

    def start(self, queues: list[str]) -> None:
        """`queues` are those that it consumes at first. Raises OSError when the port for its health is taken."""
        # Not before: Flower and `celery inspect` load this app too, and PORT may be Flower's own.
        if self._settings.port is not None:
            self._health = HealthServer(self._settings.port, self.watchdog)
        store = JobStore.open(self._settings, name="headrace-parent", patience=PATIENCE)
        fleet = Fleet(store.redis, patience=PATIENCE)
        self._connected = connected = _Connected(store, fleet)
        self.consumed.note(queues)
        self._thread.start()
        self._thread.run(self._sweep_for_ever(store))
        self._thread.run(self._report_for_ever(connected))
        if self._health is not None:
            self._health.start()

    def stop(self) -> None:
        """Ends the sweeping, and takes the worker off the list."""
        if self._connected is not None:
            connected, self._connected = self._connected, None
            if self._health is not None:
                self._health.close()
            self._thread.close(self._leave(connected))

    def note_claim(self) -> None:
        """In a child: the store has answered a claim."""
        self._claimed_at.value = time.monotonic()

    def child_failed(self, message_id: str, error: BaseException) -> None:
        """The child that had this message was killed or died.

        The jobs that it had come to are to run again, or one has failed if it was its time that ended.
        """
        # Read now: a new child may write there as soon as Celery has one.
        current = self.current_jobs.under(message_id)
        if not current:
            log.warning("child lost", job=message_id, outcome="it had claimed nothing")
        for job in current:
            if self._connected is not None:
                self._thread.run(self._recover(self._connected.store, job, error))

    def jobs_of(self, messages: Iterable[str]) -> list[str]:
        """The jobs that the children with these messages have come to."""
        jobs: list[str] = []
        for each in messages:
            current = [job.job_id for job in self.current_jobs.under(each)]
            # A child with one job has not come to that yet; one with many may have none for a moment.
            jobs += current or ([each] if self._settings.jobs_per_worker == 1 else [])
        return jobs

    def hand_back_and_exit(self) -> None:
        """Has children hand their jobs back, until the process ends; ends it itself when that takes too long."""
        threading.Thread(target=self._until_stopped, name="stop", daemon=True).start()

    def _until_stopped(self) -> None:
        deadline = time.monotonic() + self._settings.stop_limit.total_seconds()
        while time.monotonic() < deadline:
            for request in _now(celery_state.active_requests):
                _send(request.worker_pid, HAND_BACK)
            time.sleep(HAND_BACK_EVERY)
        log.error("not stopped in time; leaving", after=self._settings.stop_limit.total_seconds())
        self._exit(EX_STOPPED_HARD)

    async def _sweep_for_ever(self, store: JobStore) -> None:
        schedules = ScheduleStore(store, self._settings, patience=PATIENCE)
        while True:
            swept = await self._ask_store(store.sweep)
            if swept is not None and not swept.elsewhere:
                await self._ask_store(schedules.fire)
            if swept:
                log.info("swept", **vars(swept))
            if swept is not None and swept.more:
                continue
            # Whoever finds that another sweeps asks half as often: soon enough to take over before its leases end.
            await _pause(self._settings.sweep * (2 if swept is not None and swept.elsewhere else 1))

    async def _report_for_ever(self, connected: _Connected) -> None:
        """Says that the worker is there, and ends it when it does not work."""
        reported = 0
        while True:
            dropped = message_filter.dropped.total
            description = self._description()
            messages = await self._ask_store(
                lambda worker=description, new=dropped - reported: connected.store.report(worker, dropped=new)
            )
            if messages is not None:
                reported = dropped
            if messages is None:
                self.watchdog.store_away()
            else:
                self.watchdog.claimed(at=self._claimed_at.value)
                self.watchdog.looked(messages=messages, busy=bool(celery_state.reserved_requests))
            if self._settings.jobs_per_worker > 1 and self.pulse.stopped():
                _kill_children()
            if fault := self.watchdog.fault():
                log.critical("this worker does not work; ending it", fault=fault)
                if not celery_state.active_requests:
                    self._exit(EX_STOPPED_HARD)  # there is nothing to hand back
                self.hand_back_and_exit()
                return
            await _pause(self._settings.watchdog / LOOKS)

    async def _ask_store(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """The answer, or None while Redis is away, which is said once."""
        try:
            answer = await ask()
        except StoreUnavailable:
            if not self._store_away:
                log.warning("the store is away; all goes on when it is back")
            self._store_away = True
            return None
        except Exception:
            log.exception("the parent's thread has a fault")
            return None
        self._store_away = False
        return answer

    async def _recover(self, store: JobStore, current: CurrentJob, error: BaseException) -> None:
        # By the token of its chain: Redis may have been away for long, and the job run elsewhere again, or here.
        lease = await retry_while_unavailable(lambda: store.lease_of(current.job_id, token=current.token))
        if lease is None:
            return
        try:
            outcome = await self._end_or_lose(store, lease, error)
        except LeaseLost as lost:
            outcome = Outcome(Left.LOST, lost.state)
        log.warning("child lost", job=lease.job_id, outcome=str(outcome))
        self._on_recovered(lease.job_id, outcome)

    async def _end_or_lose(self, store: JobStore, lease: Lease, error: BaseException) -> Outcome:
        if isinstance(error, TimeLimitExceeded):
            failure = JobError(reason=Reason.TIME_LIMIT, message="It did not stop at its time limit and was ended.")
            await retry_while_unavailable(lambda: store.fail(lease, failure))
            return Outcome(Left.FAILED, failure.reason, failure.message)
        state = await retry_while_unavailable(lambda: store.lose(lease))
        return Outcome(Left.FAILED if state is State.FAILED else Left.LOST, Reason.WORKER_LOST)

    async def _leave(self, connected: _Connected) -> None:
        try:
            await connected.fleet.forget(self.worker)
        except StoreUnavailable:
            log.warning("left without saying so: the store is away")
        await connected.store.aclose()

    def _description(self) -> WorkerReport:
        return WorkerReport(
            id=self.worker,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=version("headrace"),
            queues=self.consumed.now(),
            started_at=self._started_at,
            seen_at=datetime.now(UTC),
            jobs=self.jobs_of(request.id for request in _now(celery_state.active_requests)),
            slots=self._settings.jobs_per_worker,
        )


def _now(requests: Iterable[T]) -> list[T]:
    """What is in one of Celery's sets. It may change while it is read, for it is another thread's."""
    while True:
        try:
            return list(requests)
        except RuntimeError:
            continue


async def _pause(interval: timedelta) -> None:
    """About that long: with jitter, so that many workers spread out; never so short that a sweep meets its own mark."""
    await asyncio.sleep(interval.total_seconds() * random.uniform(0.8, 1.2))  # noqa: S311  # guards nothing


def _kill_children() -> None:
    """Those whose jobs others have by now, for they keep no leases: stopped, or held up for good by what they call."""
    for request in _now(celery_state.active_requests):
        log.critical("a child keeps no leases any longer; ending it", pid=request.worker_pid)
        _send(request.worker_pid, signal.SIGKILL)


def _send(pid: int | None, what: signal.Signals) -> None:
    if pid is not None:
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            return
