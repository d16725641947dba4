"""A worker's parent process: it sweeps, stops its children and does what is due for a job whose child died."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from weakref import WeakSet

import pytest
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.worker import state as celery_state

from jobs import keys, kinds
from jobs.endings import completed
from jobs.errors import StoreUnavailable
from jobs.fleet import WorkerReport
from jobs.leases import Claim
from jobs.new_job import NewJob
from jobs.recurrence import Recurrence
from jobs.schedules import Overlap, ScheduleStore
from jobs.settings import Settings
from jobs.states import State
from jobs.store import JobStore
from tasks.engine import message_filter
from tasks.engine.child import HAND_BACK
from tasks.engine.current_jobs import CurrentJob
from tasks.engine.outcome import Outcome
from tasks.engine.parent import Parent
from tests.support.inspector import Inspector
from tests.support.time_travel import PAST, end_lease, make_schedule_due, sweep
from tests.support.waiting import wait_until


class Request:
    """As Celery's, which knows the job by its message."""

    def __init__(self, job_id: str, *, worker_pid: int | None = None) -> None:
        self.id = job_id
        self.worker_pid = worker_pid


class Changing(WeakSet[Request]):
    """Another thread adds to it while it is first read."""

    def __init__(self, *requests: Request) -> None:
        super().__init__(requests)
        self.late: Request | None = None

    def __iter__(self) -> Iterator[Request]:
        for request in super().__iter__():
            if self.late is None:
                self.late = Request("late")
                self.add(self.late)
            yield request


@pytest.fixture
def parent(settings: Settings) -> Iterator[Parent]:
    """One that does not end this process when its stop limit is over."""
    quick = settings.model_copy(update={"stop_limit": timedelta(seconds=1)})
    parent = Parent(quick, exit_process=lambda _: None)
    parent.start(["default"])
    yield parent
    parent.stop()


def _story() -> NewJob:
    return NewJob(kinds.get("story"), {"title": "A", "prompt": "B", "pages": 4})


async def _run_under(parent: Parent, store: JobStore, token: str = "mine") -> Claim:  # noqa: S107  # no secret
    """As a child does it: it says what it is about to claim, and claims."""
    job_id = (await store.create(_story())).job_id
    parent.current_jobs.note(0, CurrentJob(message_id=job_id, job_id=job_id, token=token))
    claim = await store.claim(job_id, worker=parent.worker, token=token)
    assert isinstance(claim, Claim)
    return claim


async def _queued_again(store: JobStore, job_id: str) -> None:
    async def queued() -> bool:
        return (await store.get(job_id)).state is State.QUEUED

    await wait_until(queued, within=5, what="the job is queued again")


async def _recovered(parent: Parent, store: JobStore) -> None:
    """A job whose child died is queued again, and so all that was asked of the parent before is done."""
    job_id = (await _run_under(parent, store)).job.id
    parent.child_failed(job_id, WorkerLostError())
    await _queued_again(store, job_id)


async def test_a_job_that_a_new_child_has_by_then_is_left_to_it(parent: Parent, store: JobStore) -> None:
    """Redis was away when the child died; the sweep and the new child came before the parent's recovery."""
    job_id = (await _run_under(parent, store, token="dead")).job.id  # noqa: S106  # no secret
    await end_lease(store.redis, job_id)
    await sweep(store)
    assert isinstance(await store.claim(job_id, worker=parent.worker, token="new"), Claim)  # noqa: S106
    parent.child_failed(job_id, WorkerLostError())
    await _recovered(parent, store)
    assert (await store.get(job_id)).state is State.RUNNING


@pytest.mark.parametrize("told", [True, False], ids=["as the child said", "of which the child had not heard yet"])
async def test_the_job_that_a_chain_had_come_to_is_recovered(
    parent: Parent, store: JobStore, told: bool
) -> None:  # a parameter
    first = await _run_under(parent, store)
    second = (await store.create(_story())).job_id
    following = await store.finish_and_claim(
        first.lease,
        completed(result={}),
        worker=parent.worker,
        token="mine",  # noqa: S106
        queues=["default"],
        kinds=["story"],
    )
    assert following is not None
    assert following.job.id == second
    if told:
        parent.current_jobs.note(0, CurrentJob(message_id=first.job.id, job_id=second, token="mine"))  # noqa: S106
        assert parent.jobs_of([first.job.id]) == [second]

    parent.child_failed(first.job.id, WorkerLostError())

    await _queued_again(store, second)
    assert (await store.get(first.job.id)).state is State.COMPLETED


async def test_what_became_of_a_lost_childs_job_is_told(settings: Settings, store: JobStore) -> None:
    told: list[tuple[str, str]] = []

    def note(job_id: str, outcome: Outcome) -> None:
        told.append((job_id, str(outcome)))

    parent = Parent(settings, on_recovered=note)
    parent.start(["default"])
    try:
        lost, too_long = await _run_under(parent, store), await _run_under(parent, store)
        parent.child_failed(too_long.job.id, TimeLimitExceeded(1))
        parent.current_jobs.note(0, CurrentJob(lost.job.id, lost.job.id, "mine"))
        parent.child_failed(lost.job.id, WorkerLostError())
        await wait_until(lambda: len(told) == 2, within=5, what="both are told")
    finally:
        parent.stop()
    assert sorted(told) == sorted([(too_long.job.id, "failed: time_limit"), (lost.job.id, "lost: worker_lost")])


def test_children_are_told_to_stop_though_the_jobs_change_meanwhile(
    parent: Parent, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:  # noqa: S603  # our own command
        running = Request("running", worker_pid=child.pid)
        monkeypatch.setattr(celery_state, "active_requests", Changing(running))
        parent.hand_back_and_exit()
        assert child.wait(timeout=60) == -HAND_BACK, "it does not listen, and so is ended by the signal"


async def test_dropped_messages_are_counted_once_although_redis_was_away(
    settings: Settings, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither lost with the report that failed, nor told again with each that follows."""
    report = JobStore.report
    told: list[int] = []

    async def be_away_at_first(store: JobStore, worker: WorkerReport, *, dropped: int = 0) -> int:
        told.append(dropped)
        if len(told) <= 2:
            raise StoreUnavailable
        return await report(store, worker, dropped=dropped)

    monkeypatch.setattr(JobStore, "report", be_away_at_first)
    monkeypatch.setattr("tasks.engine.parent.LOOKS", 300)
    monkeypatch.setattr(message_filter.dropped, "total", 3)
    parent = Parent(settings, exit_process=lambda _: None)
    parent.start(["default"])
    try:
        await wait_until(lambda: len(told) >= 6, within=30, what="several reports after Redis is back")
    finally:
        parent.stop()
    assert told[:4] == [3, 3, 3, 0]
    assert await Inspector(store.redis).counter("messages_dropped") == 3


async def test_a_parent_sweeps_until_nothing_is_left_before_it_pauses(settings: Settings, store: JobStore) -> None:
    ended = {f"{number} story completed ann": PAST for number in range(1000)}
    await store.redis.zadd(keys.RETAINED, ended)
    parent = Parent(settings.model_copy(update={"sweep": timedelta(hours=1)}))

    async def none_left() -> bool:
        return await store.redis.zcard(keys.RETAINED) == 0

    parent.start(["default"])
    try:
        await wait_until(none_left, within=10, what="all ended retentions are swept")
    finally:
        parent.stop()


async def test_a_parent_makes_the_jobs_of_schedules(settings: Settings, store: JobStore) -> None:
    schedules = ScheduleStore(store, settings, patience=timedelta(seconds=5))
    new, hourly = NewJob(kinds.get("story"), {"title": "A", "prompt": "B"}), Recurrence(interval=timedelta(hours=1))
    schedule_id = (await schedules.create(new, hourly, overlap=Overlap.SKIP)).job_id
    await make_schedule_due(store.redis, schedule_id)

    async def made() -> bool:
        return (await schedules.get(schedule_id)).made == 1

    parent = Parent(settings)
    parent.start(["default"])
    try:
        await wait_until(made, within=10, what="the job of the schedule is made")
    finally:
        parent.stop()
