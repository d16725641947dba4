"""Chains: which jobs a child runs for one message, and when it stops."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from headrace import JobContext
from headrace.errors import Rejected
from jobs import kinds
from jobs.celery_app import create_celery
from jobs.endings import Ending
from jobs.errors import StoreUnavailable
from jobs.leases import Claim, Lease
from jobs.new_job import NewJob
from jobs.states import Reason, State
from jobs.store import JobStore
from kinds.story import StoryResult, pipeline
from tasks.engine import child
from tasks.engine.backend import Tools
from tasks.engine.child import JobRunner, Place
from tasks.engine.current_jobs import CurrentJob
from tasks.engine.lease import LeaseThread
from tasks.engine.monitors import Monitors
from tests.support.jobs_at_hand import queued, story


class Stage:
    """Runs messages as a child does, and keeps what it says. `during` is called in each job, with its number."""

    def __init__(self, tools: Tools, leases: LeaseThread) -> None:
        self.ran: list[str] = []
        self.said: list[CurrentJob] = []
        self.claims = 0
        self.queues = ["default"]
        self.during: Callable[[int], None] = lambda _: None
        self._tools = tools
        self._leases = leases
        # This process has run other tests before, and counts by the most that it ever had.
        self.with_settings(max_memory_per_child=0)

    def with_settings(self, **changed: Any) -> None:  # noqa: ANN401  # of any type
        self._tools = replace(self._tools, settings=self._tools.settings.model_copy(update=changed))
        self.runner = self._runner()

    async def make(self, job: JobContext, _: BaseModel) -> BaseModel:
        self.ran.append(job.id)
        self.during(len(self.ran))
        return StoryResult.model_construct()

    def _runner(self) -> JobRunner:
        place = Place(
            worker="tests",
            queues=lambda: self.queues,
            monitors=Monitors(create_celery(self._tools.settings), "celery@tests"),
            on_claim=self._note_claim,
            on_job=self.said.append,
        )
        return JobRunner(self._tools, self._leases, place)

    def _note_claim(self) -> None:
        self.claims += 1


@pytest.fixture
async def stage(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    leases = LeaseThread(tools.settings)
    stage = Stage(tools, leases)
    monkeypatch.setattr(pipeline, "make", stage.make)
    monkeypatch.setattr("tasks.engine.chain.LENGTH", timedelta(minutes=1))
    yield stage
    leases.close()


async def _states(store: JobStore, jobs: list[str]) -> list[State]:
    return [(await store.get(job_id)).state for job_id in jobs]


async def test_one_message_brings_all_that_waits(stage: Stage, store: JobStore) -> None:
    jobs = [await queued(store) for _ in range(4)]

    assert str(await stage.runner.run(jobs[0])) == "completed"

    assert stage.ran == jobs
    assert await _states(store, jobs) == [State.COMPLETED] * 4
    assert [(job.message_id, job.job_id) for job in stage.said] == [(jobs[0], job_id) for job_id in jobs]
    assert stage.claims == 5, "the last one found nothing"


async def test_a_chain_ends_after_its_time(stage: Stage, store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.engine.chain.LENGTH", timedelta(0))
    jobs = [await queued(store) for _ in range(2)]

    await stage.runner.run(jobs[0])

    assert await _states(store, jobs) == [State.COMPLETED, State.QUEUED]


async def test_a_chain_takes_no_job_of_a_queue_that_its_worker_has_left(stage: Stage, store: JobStore) -> None:
    jobs = [await queued(store) for _ in range(3)]

    def leave(number: int) -> None:
        if number == 2:
            stage.queues = []

    stage.during = leave
    await stage.runner.run(jobs[0])

    assert await _states(store, jobs) == [State.COMPLETED, State.COMPLETED, State.QUEUED]


async def test_a_failed_job_is_followed_by_the_next(stage: Stage, store: JobStore) -> None:
    jobs = [await queued(store) for _ in range(3)]

    def fail_first(number: int) -> None:
        if number == 1:
            raise Rejected("No.")

    stage.during = fail_first
    assert str(await stage.runner.run(jobs[0])) == "failed: content_rejected"

    assert await _states(store, jobs) == [State.FAILED, State.COMPLETED, State.COMPLETED]


async def test_a_job_that_is_stopped_in_mid_chain_is_handed_back(
    stage: Stage, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [await queued(store) for _ in range(3)]
    stage.with_settings(grace=timedelta(milliseconds=10))
    runner = stage.runner

    async def hang(job: JobContext, _: BaseModel) -> BaseModel:
        await stage.make(job, _)
        if len(stage.ran) == 2:
            runner.stop()
            await asyncio.Event().wait()
        return StoryResult.model_construct()

    monkeypatch.setattr(pipeline, "make", hang)
    await runner.run(jobs[0])

    assert await _states(store, jobs) == [State.COMPLETED, State.QUEUED, State.QUEUED]
    second = await store.get(jobs[1])
    assert (second.state_reason, second.attempt) == (Reason.INTERRUPTED, 0)


async def test_a_child_that_is_to_stop_finishes_its_job_and_takes_no_other(stage: Stage, store: JobStore) -> None:
    jobs = [await queued(store) for _ in range(2)]
    stage.during = lambda _: stage.runner.stop()

    await stage.runner.run(jobs[0])

    assert await _states(store, jobs) == [State.COMPLETED, State.QUEUED]


async def test_every_job_counts_for_the_age_of_the_child(stage: Stage, store: JobStore) -> None:
    jobs = [await queued(store) for _ in range(4)]
    stage.with_settings(max_tasks_per_child=3)

    await stage.runner.run(jobs[0])

    assert stage.ran == jobs[:3]
    assert stage.runner.worn_out


async def test_the_memory_is_looked_at_after_each_job(
    stage: Stage, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [await queued(store) for _ in range(4)]
    stage.with_settings(max_memory_per_child=1_000_000)
    monkeypatch.setattr(child, "mem_rss", lambda: 400_000 * len(stage.ran))

    await stage.runner.run(jobs[0])

    assert stage.ran == jobs[:3]
    assert not stage.runner.worn_out, "Celery sees to it after the message"


@pytest.mark.parametrize(("limit", "ran"), [(timedelta(hours=1), 2), (timedelta(minutes=5), 1)])
async def test_a_chain_takes_no_job_that_may_run_longer_than_its_first(
    stage: Stage, store: JobStore, monkeypatch: pytest.MonkeyPatch, limit: timedelta, ran: int
) -> None:
    """Celery ends the process by the time limit of the first."""
    brief, known = replace(kinds.get("story"), name="brief", time_limit=limit), list(kinds.known())
    every = {kind.name: kind for kind in [*known, brief]}
    monkeypatch.setattr(kinds, "known", lambda: list(every.values()))
    monkeypatch.setattr(kinds, "get", every.__getitem__)
    first = await queued(store, NewJob(brief, story().input))
    second = await queued(store)

    await stage.runner.run(first)

    assert stage.ran == [first, second][:ran]


async def test_the_job_whose_claim_was_not_heard_of_is_run(
    stage: Stage, store: JobStore, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply to the end of the first is lost; asked again, the store says the same."""
    jobs = [await queued(store) for _ in range(2)]
    answers = tools.store.finish_and_claim
    asked: list[str] = []

    async def lose_the_first_reply(lease: Lease, ending: Ending, **options: Any) -> Claim | None:  # noqa: ANN401
        following = await answers(lease, ending, **options)
        asked.append(lease.job_id)
        if len(asked) == 1:
            raise StoreUnavailable
        return following

    monkeypatch.setattr(tools.store, "finish_and_claim", lose_the_first_reply)
    await stage.runner.run(jobs[0])

    assert asked == [jobs[0], jobs[0], jobs[1]]
    assert stage.ran == jobs
    assert await _states(store, jobs) == [State.COMPLETED] * 2
    assert (await store.get(jobs[1])).attempt == 1


async def test_a_job_that_is_cancelled_ends_the_chain(
    stage: Stage, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was finished, and so nothing claimed: Celery has a message for the next one."""
    jobs = [await queued(store) for _ in range(2)]

    async def be_cancelled(job: JobContext, _: BaseModel) -> BaseModel:
        await store.cancel(job.id)
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(pipeline, "make", be_cancelled)
    assert str(await stage.runner.run(jobs[0])) == "lost: cancelled"

    assert await _states(store, jobs) == [State.CANCELLED, State.QUEUED]
