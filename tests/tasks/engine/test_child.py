"""What a child makes of a job that it cannot even begin: another worker may be able to."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from jobs import kinds
from jobs.celery_app import create_celery
from jobs.leases import Claim
from jobs.model import Job
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.states import Reason, State
from jobs.store import JobStore
from tasks.engine.child import Child, Place
from tasks.engine.monitors import Monitors
from tests.support.jobs_at_hand import claimed, story
from tests.support.time_travel import make_retry_due, sweep

T = TypeVar("T")
STORY = kinds.get("story")


@pytest.fixture
def child(settings: Settings) -> Iterator[Child]:
    monitors = Monitors(create_celery(settings), "celery@tests")
    nothing: Callable[..., None] = lambda *_: None  # noqa: E731  # it is nobody's
    place = Place(worker="tests", queues=lambda: ["default"], monitors=monitors, on_claim=nothing, on_job=nothing)
    child = Child(settings, place)
    yield child
    child.close()


def _with_store(settings: Settings, work: Callable[[JobStore], Awaitable[T]]) -> T:
    async def run() -> T:
        store = JobStore.open(settings, name="tests", patience=timedelta(seconds=5))
        try:
            return await work(store)
        finally:
            await store.aclose()

    return asyncio.run(run())


def _job(settings: Settings, job_id: str) -> Job:
    return _with_store(settings, lambda store: store.get(job_id))


def _with_step(saved: str) -> Callable[[JobStore], Awaitable[str]]:
    """A job that a worker of another version has handed back, with one step saved."""

    async def leave(store: JobStore) -> str:
        created = await store.create(story(max_attempts=1))
        claim = await store.claim(created.job_id, worker="newer", token="newer")  # noqa: S106  # not a secret
        assert isinstance(claim, Claim)
        await store.save_step(claim.lease, "outline", saved)
        await store.hand_back(claim.lease)
        return created.job_id

    return leave


def _new(kind: kinds.Kind, wanted: dict[str, Any]) -> Callable[[JobStore], Awaitable[str]]:
    async def make(store: JobStore) -> str:
        return (await store.create(NewJob(kind, wanted, max_attempts=1))).job_id

    return make


@pytest.mark.parametrize(
    ("leave", "why"),
    [
        (_with_step('{"form": 2}'), "Saved: value: Field required"),
        (_with_step('{"value": 1, "version": 2}'), "saved by version 2 of the kind, and this worker has version 1"),
        (_new(STORY, {"title": "A", "prompt": "B", "pages": "many"}), "pages: Input should be a valid integer"),
        (_new(replace(STORY, name="podcast"), {"topic": "foxes"}), "'podcast' is not a kind of job here"),
    ],
    ids=["a step in another form", "a step of a newer version", "an input in another form", "an unknown kind"],
)
def test_a_job_that_this_worker_cannot_run_waits_for_one_that_can(
    child: Child, settings: Settings, leave: Callable[[JobStore], Awaitable[str]], why: str
) -> None:
    job_id = _with_store(settings, leave)

    assert child.run(job_id) == "scheduled: no_capable_worker"

    job = _job(settings, job_id)
    assert (job.state, job.state_reason, job.attempt) == (State.SCHEDULED, Reason.NO_CAPABLE_WORKER, 0)
    assert job.error is not None
    assert why in job.error.message
    assert job.waiting is not None
    assert job.waiting.on == "no_capable_worker"
    assert job.retry_at is not None
    assert job.waiting.since is not None
    assert (job.retry_at - job.waiting.since).total_seconds() == pytest.approx(5, abs=1)


def test_a_worker_that_can_run_it_goes_on_from_its_saved_steps(child: Child, settings: Settings) -> None:
    job_id = _with_store(settings, _with_step('{"value": 1, "version": 2}'))
    child.run(job_id)

    async def become_due_and_be_claimed(store: JobStore) -> Claim:
        await make_retry_due(store.redis, job_id)
        await sweep(store)
        assert (waiting := (await store.get(job_id)).waiting) is not None
        assert waiting.on == "no_capable_worker", "also between two tries"
        return await claimed(store, job_id, worker="newer still")

    claim = _with_store(settings, become_due_and_be_claimed)
    assert claim.steps == {"outline": '{"value": 1, "version": 2}'}
    assert claim.job.attempt == 1, "the first that counts"
