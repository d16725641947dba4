"""jobs/fleet.py: queues, workers and counters, as any process sees them."""

from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.fleet import Fleet, Queue, WorkerReport
from jobs.states import State
from jobs.store import JobStore
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import claim_again, claimed, ended, queued, running, scheduled, story
from tests.support.time_travel import PAST, rewrite, wait_since

STARTED = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def fleet(redis: Redis) -> Fleet:
    return Fleet(redis, patience=timedelta(seconds=2))


async def _default(fleet: Fleet) -> Queue:
    return next(queue for queue in await fleet.queues() if queue.name == "default")


def _worker(name: str, *, jobs: list[str] | None = None) -> WorkerReport:
    return WorkerReport(
        id=name,
        host="host",
        pid=42,
        version="0.1.0",
        queues=["default"],
        started_at=STARTED,
        seen_at=STARTED,
        jobs=jobs or [],
    )


# -- Queues ------------------------------------------------------------------------------------------------------------


async def test_an_empty_queue_has_no_oldest_job(fleet: Fleet) -> None:
    assert await _default(fleet) == Queue(name="default", queued=0, oldest_seconds=None)


async def test_a_queue_counts_the_jobs_on_all_its_lanes(store: JobStore, fleet: Fleet) -> None:
    for priority in (0, 3, 3, 9):
        await queued(store, story(priority=priority))

    assert (await _default(fleet)).queued == 4


async def test_only_jobs_that_wait_for_a_worker_are_queued(store: JobStore, fleet: Fleet) -> None:
    await running(store)
    await scheduled(store)
    await ended(store, State.CANCELLED)

    assert (await _default(fleet)).queued == 0


async def test_the_oldest_job_of_all_lanes_gives_the_age(
    store: JobStore, redis: Redis, held: Inspector, fleet: Fleet
) -> None:
    now = await held.now()
    for priority, seconds in ((0, 20), (3, 50), (9, 30)):
        job_id = await queued(store, story(priority=priority))
        await wait_since(redis, job_id, now - seconds * 1000)

    oldest = (await _default(fleet)).oldest_seconds

    assert oldest is not None
    assert 49 <= oldest < 53


async def test_a_job_has_waited_since_it_was_last_queued(store: JobStore, redis: Redis, fleet: Fleet) -> None:
    """However long ago it was made, and however long it ran."""
    claim = await running(store)
    await rewrite(redis, claim.job.id, created_at=PAST)
    await store.hand_back(claim.lease)

    oldest = (await _default(fleet)).oldest_seconds

    assert oldest is not None
    assert oldest < 5


async def test_a_job_at_the_head_does_not_hide_one_that_has_waited_longer(
    store: JobStore, redis: Redis, held: Inspector, fleet: Fleet
) -> None:
    claim = await running(store)
    waiting = await queued(store)
    await wait_since(redis, waiting, await held.now() - 50_000)
    await store.hand_back(claim.lease)

    oldest = (await _default(fleet)).oldest_seconds

    assert oldest is not None
    assert 49 <= oldest < 55


async def test_a_claimed_job_no_longer_ages_its_queue(store: JobStore, fleet: Fleet) -> None:
    await claimed(store, await queued(store))

    assert (await _default(fleet)).oldest_seconds is None


# -- Workers -----------------------------------------------------------------------------------------------------------


async def test_a_worker_that_reports_is_listed(store: JobStore, fleet: Fleet, held: Inspector) -> None:
    before = await held.now()

    await store.report(_worker("w1", jobs=["a-job"]))

    [worker] = await fleet.workers()
    assert worker.model_copy(update={"seen_at": STARTED}) == _worker("w1", jobs=["a-job"])
    assert worker.seen_at.timestamp() * 1000 >= before


async def test_workers_are_listed_by_id_with_their_newest_report(store: JobStore, fleet: Fleet) -> None:
    for worker in (_worker("w2"), _worker("w1"), _worker("w2", jobs=["a-job"])):
        await store.report(worker)

    assert [(worker.id, worker.jobs) for worker in await fleet.workers()] == [("w1", []), ("w2", ["a-job"])]


async def test_a_worker_that_stops_is_forgotten(store: JobStore, fleet: Fleet, held: Inspector) -> None:
    await store.report(_worker("w1"))

    await fleet.forget("w1")

    assert await fleet.workers() == []
    assert await held.names() == []


async def test_a_worker_that_fell_silent_is_not_listed(
    store: JobStore, fleet: Fleet, redis: Redis, held: Inspector
) -> None:
    await store.report(_worker("w1"))
    await store.report(_worker("w2"))

    await redis.zadd(keys.WORKERS, {"w1": await held.now() - 61_000})

    assert [worker.id for worker in await fleet.workers()] == ["w2"]


async def test_a_worker_whose_report_has_expired_is_not_listed(store: JobStore, fleet: Fleet, redis: Redis) -> None:
    await store.report(_worker("w1"))

    await redis.delete(keys.WORKER + "w1")

    assert await fleet.workers() == []


async def test_a_report_is_answered_with_the_messages_that_wait_on_every_lane(store: JobStore, redis: Redis) -> None:
    await redis.lpush("default", "urgent")
    await redis.lpush("default\x06\x166", "one", "two")

    assert await store.report(_worker("w1")) == 3
    assert await store.report(_worker("w1"), dropped=2) == 3


async def test_dropped_messages_add_up(store: JobStore, fleet: Fleet) -> None:
    for worker, dropped in (("w1", 2), ("w2", 0), ("w1", 1)):
        await store.report(_worker(worker), dropped=dropped)

    assert (await fleet.counters()).totals == {"messages_dropped": 3}


async def test_a_report_expires_after_a_minute(store: JobStore, held: Inspector) -> None:
    await store.report(_worker("w1"))

    assert 0 < await held.seconds_left(keys.WORKER + "w1") <= 60


async def test_a_sweep_takes_silent_workers_off_the_list(store: JobStore, redis: Redis, held: Inspector) -> None:
    await store.report(_worker("w1"))
    await store.report(_worker("w2"))
    await redis.zadd(keys.WORKERS, {"w1": await held.now() - 61_000})

    await store.sweep()

    assert await held.members(keys.WORKERS) == ["w2"]


# -- Counters ----------------------------------------------------------------------------------------------------------


async def test_without_jobs_every_state_counts_none(fleet: Fleet) -> None:
    counters = await fleet.counters()

    assert counters.totals == {}
    assert counters.by_state == dict.fromkeys(State, 0)


async def test_jobs_are_counted_by_state(store: JobStore, fleet: Fleet) -> None:
    await queued(store)
    await queued(store)
    await running(store)
    await scheduled(store)
    for state in (State.COMPLETED, State.FAILED, State.CANCELLED, State.EXPIRED):
        await ended(store, state)

    by_state = (await fleet.counters()).by_state

    assert by_state == dict.fromkeys(State, 1) | {"queued": 2}


async def test_totals_are_those_of_the_scripts(store: JobStore, fleet: Fleet) -> None:
    job_id = await ended(store, State.COMPLETED)
    await claim_again(store, job_id)

    totals = (await fleet.counters()).totals

    assert totals["created:story"] == 1
    assert totals["finished:story:completed"] == 1
    assert totals["claims_refused"] == 1
