"""pause.lua, resume.lua and jobs/scripts/prelude/gates.lua: what is paused is not started, and keeps its place."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from jobs import keys, kinds
from jobs.endings import completed
from jobs.explanation import explain
from jobs.fleet import Fleet
from jobs.leases import Claim, Refusal
from jobs.new_job import NewJob
from jobs.pauses import of_kind, of_queue
from jobs.states import State
from jobs.store import JobStore
from tests.jobs.test_schedule import in_order, report
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, WORKER, claim_again, claimed, queued, running, story
from tests.support.time_travel import end_lease, pass_start_deadline, sweep

PATIENCE = timedelta(seconds=5)
QUEUE, KIND = of_queue("default"), of_kind("story")
each_target = pytest.mark.parametrize("target", [QUEUE, KIND])


def lesson() -> NewJob:
    """Another kind in the same queue."""
    return NewJob(kinds.get("lesson"), {"topic": "Foxes", "audience": "children"})


async def pause(store: JobStore, target: str) -> None:
    await store.pauses.pause(target, by="ann", why="the provider is away")


@each_target
async def test_what_is_paused_is_not_released(without_workers: JobStore, held: Inspector, target: str) -> None:
    store = without_workers
    await store.report(report())
    await pause(store, target)

    job_id = await queued(store)
    await store.report(report())
    await sweep(store)

    assert await held.messages(LANE) == []
    assert (await store.get(job_id)).state is State.QUEUED


@each_target
async def test_what_was_released_is_recalled_to_its_place(store: JobStore, held: Inspector, target: str) -> None:
    jobs = [await queued(store) for _ in range(3)]
    assert await held.messages(LANE) == jobs

    await pause(store, target)
    assert await held.messages(LANE) == []
    assert await held.members(keys.queue("default", keys.RELEASED)) == []

    await store.pauses.resume(target)
    assert await held.messages(LANE) == jobs


@each_target
async def test_a_claim_of_what_is_paused_is_refused(store: JobStore, held: Inspector, target: str) -> None:
    """Its message was popped before the pause: the job waits on, and no attempt is counted."""
    job_id = await queued(store)
    assert await held.pop(LANE) == job_id
    await pause(store, target)

    assert await claim_again(store, job_id) == Refusal("held")

    job = await store.get(job_id)
    assert (job.state, job.attempt) == (State.QUEUED, 0)
    assert await held.counter("claims_refused") == 0
    await store.pauses.resume(target)
    assert await held.pop(LANE) == job_id
    assert isinstance(await claim_again(store, job_id), Claim)


@each_target
async def test_a_claim_before_the_recall_is_refused(store: JobStore, held: Inspector, target: str) -> None:
    """The pause was cut off before it had recalled all: the claim recalls the job itself."""
    job_id = await queued(store)
    text = '{"by": "ann", "why": "none", "at": 1}'
    await store.redis.hset(keys.PAUSES, target, text)  # pyright: ignore[reportGeneralTypeIssues]  # redis-py's types

    assert await claim_again(store, job_id) == Refusal("held")

    assert await held.messages(LANE) == []
    await store.pauses.resume(target)
    assert await held.messages(LANE) == [job_id]


@each_target
async def test_a_chain_takes_nothing_that_is_paused(without_workers: JobStore, target: str) -> None:
    store = without_workers
    claim, waiting = await running(store), await queued(store)
    await pause(store, target)

    following = await store.finish_and_claim(
        claim.lease, completed(result={}), worker=WORKER, token="next", queues=["default"], kinds=["story"]  # noqa: S106  # no secret
    )  # fmt: skip

    assert following is None
    job = await store.get(waiting)
    assert (job.state, job.attempt) == (State.QUEUED, 0)


async def test_other_kinds_of_the_queue_go_on(without_workers: JobStore, held: Inspector) -> None:
    """And are not behind the paused ones, however many these are."""
    store = without_workers
    stories = [await queued(store) for _ in range(150)]
    other = await queued(store, lesson())
    await pause(store, KIND)

    await store.report(report())
    await sweep(store)

    assert await held.messages(LANE) == [other]
    await claimed(store, other)
    await store.pauses.resume(KIND)
    while (await sweep(store)).more:
        pass
    assert await in_order(store) == stories


async def test_who_is_resumed_has_the_place_that_it_had(without_workers: JobStore) -> None:
    store = without_workers
    first, second = await queued(store), await queued(store)
    between = await queued(store, lesson())
    order = await in_order(store)
    await pause(store, KIND)
    await store.report(report())  # has the stories parked

    await store.cancel(between)
    await store.pauses.resume(KIND)

    assert order == [first, second, between]
    assert await in_order(store) == [second]


@each_target
async def test_what_runs_goes_on_and_its_retry_waits(store: JobStore, held: Inspector, target: str) -> None:
    claim = await running(store)
    await held.pop(LANE)
    await pause(store, target)
    await store.save_step(claim.lease, "outline", "{}")

    await end_lease(store.redis, claim.job.id)
    await sweep(store)

    assert (await store.get(claim.job.id)).state is State.QUEUED
    assert await held.messages(LANE) == []
    await store.pauses.resume(target)
    assert await held.messages(LANE) == [claim.job.id]


@pytest.mark.parametrize("end", ["cancel", "deadline"])
async def test_a_parked_job_can_end(store: JobStore, held: Inspector, end: str) -> None:
    job_id = await queued(store)
    await pause(store, KIND)
    await queued(store)

    if end == "cancel":
        await store.cancel(job_id)
    else:
        await pass_start_deadline(store.redis, job_id)
        await sweep(store)

    assert job_id not in await held.members(keys.PARKED + KIND)
    assert job_id not in await held.members(keys.queue("default", keys.HELD))
    assert (await store.get(job_id)).state in {State.CANCELLED, State.EXPIRED}


async def test_many_come_back_over_several_sweeps(store: JobStore, held: Inspector) -> None:
    jobs = [await queued(store) for _ in range(230)]
    await pause(store, KIND)
    assert await held.messages(LANE) == []

    await store.pauses.resume(KIND)
    while (await sweep(store)).more:
        pass

    assert set(await held.messages(LANE)) == set(jobs)
    assert await held.names(keys.OPENING) + await held.names(keys.PARKED + "*") == []


async def test_a_pause_says_who_when_and_why(store: JobStore, redis: Redis) -> None:
    fleet = Fleet(redis, patience=PATIENCE)
    job_id = await queued(store)
    made = await store.pauses.pause(QUEUE, by="ann", why="the provider is away")
    again = await store.pauses.pause(QUEUE, by="bob", why="still away")
    await pause(store, KIND)

    [queue] = [one for one in await fleet.queues() if one.name == "default"]

    assert (again.by, again.why, again.at) == ("bob", "still away", made.at)
    assert queue.paused == again
    assert (queue.queued, queue.held, queue.oldest_seconds) == (1, 1, None)
    assert (await fleet.paused_kinds())["story"].by == "ann"
    assert await fleet.waiting() == 0
    job = await store.get(job_id)
    assert job.waiting is not None
    assert job.waiting.on == "paused"
    explanation = await explain(job_id, redis, store, fleet, patience=PATIENCE)
    assert not explanation.wrong
    assert "bob paused queue default: still away" in explanation.why


async def test_resuming_what_is_not_paused_changes_nothing(store: JobStore) -> None:
    assert not await store.pauses.resume(QUEUE)
    assert not await store.pauses.resume(KIND)


async def test_priorities_are_kept_through_a_pause(store: JobStore, held: Inspector) -> None:
    normal = await queued(store)
    urgent = await queued(store, story(priority=0))
    await pause(store, KIND)
    await store.pauses.resume(KIND)

    assert (await held.messages("default"), await held.messages(LANE)) == ([urgent], [normal])
