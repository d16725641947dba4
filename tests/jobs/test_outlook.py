"""What a queued job waits for, and when it is likely to start (jobs/scripts/prelude/outlook.lua)."""

import asyncio
import random
import statistics
from datetime import datetime, timedelta

import pytest

from jobs import keys
from jobs.model import Waiting
from jobs.store import JobStore
from tests.jobs.test_schedule import report
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import BUSY, LANE, WORKER, claimed, queued, running, story
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
