"""What a queued job waits for, and when it is likely to start (jobs/scripts/prelude/outlook.lua)."""

import asyncio
import random
import statistics
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.limits import Concurrency
from jobs.listing import Filter, JobList
from jobs.model import Waiting
from jobs.new_job import NewJob
from jobs.rates import Rate
from jobs.settings import Settings
from jobs.states import State
from jobs.store import JobStore
from tests.jobs.test_pauses import lesson
from tests.jobs.test_schedule import report
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import BUSY, LANE, WORKER, claimed, desk_of, planned, queued, running, story
from tests.support.time_travel import rewrite


@pytest.fixture
def store(without_workers: JobStore) -> JobStore:
    return without_workers


async def waiting(store: JobStore, job_id: str) -> Waiting:
    found = (await store.get(job_id)).waiting
    assert found is not None
    return found


async def likely_start(store: JobStore, job_id: str) -> datetime | None:
    return (await store.get(job_id)).queue.estimated_start_at


KEYED = Concurrency("site:example.com", 1)


def asking(*models: str) -> NewJob:
    return replace(story(), models=models)


async def _book(store: JobStore, settings: Settings, *, calls: int) -> None:
    """So many calls of a model that may be called once a second."""
    claim = await running(store, story(priority=0))
    for number in range(calls):
        await desk_of(store, settings).admit(claim.lease, planned(f"page:{number}#1", rate=Rate(requests=60)))


# -- Why ---------------------------------------------------------------------------------------------------------------


async def test_there_is_no_worker(store: JobStore) -> None:
    assert (await waiting(store, await queued(store))).on == "no_worker"


async def test_an_idle_worker_is_about_to_take_it(store: JobStore) -> None:
    await store.report(report())
    assert (await waiting(store, await queued(store))).on == "worker"


async def test_all_workers_are_busy(store: JobStore) -> None:
    await store.report(report())
    await claimed(store, await queued(store))
    jobs = [await queued(store) for _ in range(2)]
    assert [(await waiting(store, job_id)).on for job_id in jobs] == ["worker_busy", "worker_busy"]


async def test_who_had_fewer_turns_is_before_it(store: JobStore) -> None:
    await store.report(report())
    await claimed(store, await queued(store, story(user_id="ann")))
    ann = [await queued(store, story(user_id="ann")) for _ in range(3)]
    bob = await queued(store, story(user_id="bob"))
    assert (await waiting(store, bob)).on == "worker_busy"
    assert (await waiting(store, ann[2])).on == "fair_turn"


async def test_what_is_more_urgent_is_before_it(store: JobStore) -> None:
    await store.report(report())
    await claimed(store, await queued(store))
    normal = await queued(store)
    await queued(store, story(priority=0))
    assert (await waiting(store, normal)).on == "fair_turn"


async def test_the_answer_to_a_new_job_says_why(store: JobStore) -> None:
    created = await store.create(story())
    assert created.waiting == (await store.get(created.job_id)).waiting
    await store.pauses.pause("kind:story", by="ann", why="none")
    created = await store.create(story())
    assert created.waiting is not None
    assert created.waiting.on == "paused"
    assert created.waiting == (await store.get(created.job_id)).waiting


async def _all_sorts(store: JobStore, settings: Settings) -> dict[str, str]:
    """Jobs of one queue that wait for different things, by what they wait for."""
    await store.report(report())
    await claimed(store, await queued(store, story(user_id="ann", concurrency=KEYED)))
    jobs = {"fair_turn": await queued(store, story(user_id="ann"))}
    jobs["worker_busy"] = await queued(store, story(user_id="bob", priority=0))
    jobs["concurrency_limit"] = await queued(store, story(user_id="bob", concurrency=KEYED))
    jobs["rate_limited"] = await queued(store, asking("openai/gpt-5.4-mini"))
    await _book(store, settings, calls=100)
    jobs["paused"] = await queued(store, lesson())
    await store.pauses.pause("kind:lesson", by="ann", why="tests")
    return jobs


async def test_a_list_says_what_each_job_says(store: JobStore, redis: Redis, settings: Settings) -> None:
    jobs = await _all_sorts(store, settings)
    assert {why: (await waiting(store, job_id)).on for why, job_id in jobs.items()} == {why: why for why in jobs}

    page = await JobList(redis, store.scripts, patience=timedelta(seconds=5)).page(Filter())

    assert page.jobs == [await store.get(job.id) for job in page.jobs]
    assert {job.id for job in page.jobs} >= set(jobs.values())


async def test_a_list_of_many_jobs_costs_a_bounded_number_of_commands(store: JobStore, redis: Redis) -> None:
    """What a queue's jobs have in common is read once, however many of them are listed and run."""
    for number in range(20):
        await store.report(report(f"worker-{number}"))
    for _ in range(20):
        await running(store)
    await _learned(store, 10)
    for _ in range(40):
        await store.create(story())
    client: Any = redis
    jobs_list = JobList(redis, store.scripts, patience=timedelta(seconds=5))
    await jobs_list.page(Filter(), limit=1)  # has the script loaded
    before = (await client.info("stats"))["total_commands_processed"]

    await jobs_list.page(Filter(state=State.QUEUED), limit=40)

    assert (await client.info("stats"))["total_commands_processed"] - before < 40 * 10


async def test_a_held_job_says_about_how_many_would_be_before_it(store: JobStore) -> None:
    await store.report(report())
    await claimed(store, await queued(store, story(concurrency=KEYED)))
    for _ in range(3):
        await queued(store)
    last, first = await queued(store, story(concurrency=KEYED)), await queued(store, story(priority=0))
    job = await store.get(last)
    assert (job.queue.position, job.queue.position_is_approximate) == (4, True)
    job = await store.get(first)
    assert (job.queue.position, job.queue.position_is_approximate) == (0, False)

    await store.pauses.pause("queue:default", by="ann", why="none")
    job = await store.get(first)
    assert (job.queue.position, job.queue.position_is_approximate) == (0, True)


async def test_a_model_without_room_is_what_it_waits_for(store: JobStore, settings: Settings) -> None:
    """Until its turn comes later than that."""
    await store.report(report())
    await _book(store, settings, calls=100)
    job_id, other = await queued(store, asking("openai/gpt-5.4-mini")), await queued(store, asking("openai/other"))

    found = await waiting(store, job_id)

    assert found.on == "rate_limited"
    assert found.until is not None
    assert found.since is not None
    assert 90 <= (found.until - found.since).total_seconds() <= 101
    assert found.detail == "openai/gpt-5.4-mini is called as often as it may be until then"
    assert (await waiting(store, other)).on != "rate_limited"
    await _learned(store, 1000)
    assert (await waiting(store, await queued(store, asking("openai/gpt-5.4-mini")))).on == "worker_busy"


async def test_a_model_that_is_paused_is_what_it_waits_for(store: JobStore, settings: Settings) -> None:
    await store.report(report())
    claim, desk = await running(store), desk_of(store, settings)
    await desk.admit(claim.lease, planned())
    await desk.settle(claim.lease, planned(), [], pause=timedelta(seconds=60))
    await store.complete(claim.lease, result={})

    job_id = await queued(store, asking("openai/gpt-5.4-mini"))

    assert (await waiting(store, job_id)).on == "rate_limited"


# -- When --------------------------------------------------------------------------------------------------------------


async def _learned(store: JobStore, *seconds: float) -> None:
    """Runs that took so long."""
    for length in seconds:
        claim = await running(store)
        await rewrite(store.redis, claim.job.id, running_since=await _ago(store, length))
        await store.complete(claim.lease, result={})


async def _ago(store: JobStore, seconds: float) -> int:
    return await Inspector(store.redis).now() - round(seconds * 1000)


async def test_without_a_run_there_is_nothing_to_tell_by(store: JobStore) -> None:
    await store.report(report())
    assert await likely_start(store, await queued(store)) is None


async def test_without_a_worker_nobody_knows(store: JobStore) -> None:
    await _learned(store, 10)
    assert await likely_start(store, await queued(store)) is None


async def test_an_average_follows_the_newest_runs(store: JobStore) -> None:
    """Runs that were lost, cancelled or put off are none of them."""
    await _learned(store, 10, 20)
    claim = await running(store)
    await store.retry_later(claim.lease, BUSY, wait=timedelta(hours=1))
    await store.cancel((await running(store)).job.id)
    found = await store.redis.hgetall(keys.AVERAGES)  # pyright: ignore[reportGeneralTypeIssues]  # redis-py's types
    assert found.keys() == {"kind:story", "queue:default"}
    assert all(12_000 <= int(average) < 13_000 for average in found.values())


async def test_each_worker_is_free_when_its_run_has_taken_as_long_as_others(store: JobStore) -> None:
    """Runs take 10 s; two workers began 4 s and 8 s ago."""
    await _learned(store, 10)
    for name in (WORKER, "another"):
        await store.report(report(name))
    for began in (4, 8):
        claim = await running(store)
        await rewrite(store.redis, claim.job.id, running_since=await _ago(store, began))
    jobs = [await queued(store) for _ in range(4)]
    now = await _ago(store, 0) / 1000

    starts = [await likely_start(store, job_id) for job_id in jobs]

    assert [round(at.timestamp() - now) if at else None for at in starts] == [2, 6, 12, 16]


async def test_of_many_workers_one_is_free_now_and_then(store: JobStore) -> None:
    await _learned(store, 100)
    for number in range(50):
        await store.report(report(f"worker-{number}"))
    for _ in range(50):
        await claimed(store, await queued(store))
    jobs = [await queued(store) for _ in range(5)]
    now = await _ago(store, 0) / 1000
    last = await likely_start(store, jobs[-1])
    assert last is not None
    assert last.timestamp() - now == pytest.approx(10, abs=2)


@pytest.mark.slow
async def test_estimates_come_true(store: JobStore) -> None:
    """Three workers, jobs of 100 to 300 ms: half of the estimates are off by less than a third of the wait."""
    chance = random.Random(0)  # noqa: S311  # no secret
    for number in range(3):
        await store.report(report(f"worker-{number}"))
    for _ in range(15):
        await queued(store)
    await asyncio.gather(*(_work(store, f"worker-{number}", chance) for number in range(3)))
    jobs = [await queued(store, story(user_id=chance.choice(["ann", "bob"]))) for _ in range(40)]
    estimates = {job_id: await likely_start(store, job_id) for job_id in jobs}
    asked = (await store.get(jobs[-1])).created_at

    await asyncio.gather(*(_work(store, f"worker-{number}", chance) for number in range(3)))

    waits, errors = list[float](), list[float]()
    for job_id, estimate in estimates.items():
        started = (await store.get(job_id)).started_at
        assert started is not None
        assert estimate is not None
        waits.append((started - asked).total_seconds())
        errors.append(abs((estimate - started).total_seconds()))
    print(f"median wait {statistics.median(waits):.2f} s, error {statistics.median(errors):.2f} s")  # noqa: T201  # for docs
    assert statistics.median(errors) < statistics.median(waits) / 3


async def _work(store: JobStore, worker: str, chance: random.Random) -> None:
    """Takes one job after another until there is none; each takes its time."""
    held = Inspector(store.redis)
    while job_id := await held.pop(LANE):
        claim = await claimed(store, job_id, worker=worker)
        await asyncio.sleep(chance.uniform(0.1, 0.3))
        await store.complete(claim.lease, result={})
