"""Which job runs next (`release` in scripts/prelude): priority, then the users' turns; how many messages are out."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs import keys
from jobs.batches import BatchStore, Item
from jobs.fleet import Fleet, WorkerReport
from jobs.leases import Claim
from jobs.settings import Settings
from jobs.store import JobStore, Swept
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import BUSY, LANE, WORKER, claimed, queued, running, story
from tests.support.time_travel import end_lease, make_retry_due, sweep

ORDER = keys.queue("default", keys.ORDER)
PATIENCE = timedelta(seconds=5)


@pytest.fixture
def store(without_workers: JobStore) -> JobStore:
    return without_workers


@pytest.fixture
async def weighted(settings: Settings) -> AsyncIterator[JobStore]:
    changed = settings.model_copy(update={"release_window": None, "fair_weights": "ann=2"})
    store = JobStore.open(changed, name="weighted", patience=PATIENCE)
    yield store
    await store.aclose()


def report(worker: str = WORKER) -> WorkerReport:
    now = datetime.now(UTC)
    return WorkerReport(
        id=worker, host="h", pid=1, version="0", queues=["default"], started_at=now, seen_at=now, jobs=[]
    )


async def jobs_of(store: JobStore, user: str, count: int, *, priority: int = 3) -> list[str]:
    return [await queued(store, story(user_id=user, priority=priority)) for _ in range(count)]


async def in_order(store: JobStore) -> list[str]:
    return await Inspector(store.redis).members(ORDER)


async def run_next(store: JobStore, held: Inspector, lane: str = LANE) -> str:
    """A worker takes the next message, and runs its job to the end."""
    job_id = await held.pop(lane)
    assert job_id, "no message"
    await store.complete((await claimed(store, job_id)).lease, result={})
    return job_id


# -- Messages ----------------------------------------------------------------------------------------------------------


async def test_without_a_worker_no_message_is_sent(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store)

    assert await held.messages(LANE) == []
    assert await in_order(store) == [job_id]
    assert (await store.get(job_id)).queue.position == 0


async def test_a_worker_that_reports_gets_the_first_job(store: JobStore, held: Inspector) -> None:
    first, second = await queued(store), await queued(store)

    assert await store.report(report()) == 1

    assert await held.messages(LANE) == [first]
    assert await in_order(store) == [second]


async def test_a_job_is_sent_at_once_to_an_idle_worker(store: JobStore, held: Inspector) -> None:
    await store.report(report())

    job_id = await queued(store)

    assert await held.messages(LANE) == [job_id]


async def test_a_busy_worker_has_no_message_waiting(store: JobStore, held: Inspector) -> None:
    await store.report(report())
    await queued(store)
    job_id = await held.pop(LANE)
    assert job_id
    await claimed(store, job_id)

    await queued(store)

    assert await held.messages(LANE) == []


async def _complete(store: JobStore, claim: Claim) -> None:
    await store.complete(claim.lease, result={})


async def _retry_later(store: JobStore, claim: Claim) -> None:
    await store.retry_later(claim.lease, BUSY, wait=timedelta(hours=1))


async def _cancel(store: JobStore, claim: Claim) -> None:
    await store.cancel(claim.lease.job_id)


@pytest.mark.parametrize("end", [_complete, _retry_later, _cancel])
async def test_the_end_of_a_job_sends_the_next_one(store: JobStore, held: Inspector, end: Any) -> None:  # noqa: ANN401  # one of three coroutines
    await store.report(report())
    claim = await claimed(store, await queued(store))
    await held.pop(LANE)
    following = await queued(store)

    await end(store, claim)

    assert await held.messages(LANE) == [following]


async def test_a_cancelled_message_makes_room_for_the_next_job(store: JobStore, held: Inspector) -> None:
    await store.report(report())
    first, second = await queued(store), await queued(store)
    assert await held.messages(LANE) == [first]

    await store.cancel(first)

    assert await held.messages(LANE) == [second]


async def test_a_worker_that_leaves_takes_its_room_with_it(store: JobStore, held: Inspector) -> None:
    await store.report(report())
    await Fleet(store.redis, patience=PATIENCE).forget(WORKER)

    await queued(store)

    assert await held.messages(LANE) == []


async def test_a_worker_silent_for_a_minute_has_no_room(store: JobStore, held: Inspector) -> None:
    await store.report(report())
    client: Any = store.redis
    await client.zadd(keys.queue("default", keys.SLOTS), {WORKER: await held.now() - 61_000})

    await queued(store)

    assert await held.messages(LANE) == []


async def test_a_window_by_setting_needs_no_worker(settings: Settings, held: Inspector) -> None:
    store = JobStore.open(settings.model_copy(update={"release_window": 2}), name="two", patience=PATIENCE)
    jobs = [await queued(store) for _ in range(3)]

    assert await held.messages(LANE) == jobs[:2]
    await store.aclose()


async def test_a_sweep_sends_what_there_is_room_for(store: JobStore, held: Inspector) -> None:
    jobs = [await queued(store) for _ in range(3)]
    client: Any = store.redis
    slots = keys.queue("default", keys.SLOTS)
    await client.zadd(slots, {f"worker-{number}": await held.now() for number in range(2)})

    assert await sweep(store) == Swept()

    assert await held.messages(LANE) == jobs[:2]


# -- Order -------------------------------------------------------------------------------------------------------------


async def test_a_users_first_job_is_next_although_another_has_many(store: JobStore, held: Inspector) -> None:
    await store.report(report())
    ann = await jobs_of(store, "ann", 20)
    assert await run_next(store, held) == ann[0]

    [bob] = await jobs_of(store, "bob", 1)

    assert (await store.get(bob)).queue.position == 1  # behind the one that an idle worker is about to take
    assert [await run_next(store, held) for _ in range(3)] == [ann[1], bob, ann[2]]


async def test_users_take_turns(store: JobStore) -> None:
    ann, bob, eve = await jobs_of(store, "ann", 3), await jobs_of(store, "bob", 2), await jobs_of(store, "eve", 1)

    assert await in_order(store) == [ann[0], bob[0], eve[0], ann[1], bob[1], ann[2]]


async def test_a_user_of_weight_2_gets_two_turns(weighted: JobStore) -> None:
    ann, bob = await jobs_of(weighted, "ann", 4), await jobs_of(weighted, "bob", 2)

    assert await in_order(weighted) == [ann[0], bob[0], ann[1], ann[2], bob[1], ann[3]]


async def test_jobs_without_a_user_are_one_users(store: JobStore) -> None:
    nobodys, [bob] = [await queued(store) for _ in range(3)], await jobs_of(store, "bob", 1)

    assert await in_order(store) == [nobodys[0], bob, *nobodys[1:]]


async def test_priority_comes_before_turns(store: JobStore) -> None:
    late, normal, urgent = [(await jobs_of(store, "ann", 1, priority=p))[0] for p in (9, 3, 0)]
    [also_urgent] = await jobs_of(store, "ann", 1, priority=1)

    assert await in_order(store) == [urgent, also_urgent, normal, late]


async def test_a_cancelled_job_gives_its_turn_back(store: JobStore) -> None:
    """Ann had 50 jobs, and cancelled them: the one that she asks for now is no later than it would have been."""
    for job_id in await jobs_of(store, "ann", 50):
        await store.cancel(job_id)
    bob = await jobs_of(store, "bob", 3)

    [ann] = await jobs_of(store, "ann", 1)

    assert await in_order(store) == [bob[0], ann, bob[1], bob[2]]


async def test_who_waited_for_nothing_has_no_turns_saved_up(store: JobStore, held: Inspector) -> None:
    await store.report(report())
    ann = await jobs_of(store, "ann", 10)
    for _ in range(5):
        await run_next(store, held)

    bob = await jobs_of(store, "bob", 3)

    assert [await run_next(store, held) for _ in range(6)] == [ann[5], bob[0], ann[6], bob[1], ann[7], bob[2]]


async def test_what_was_lost_is_before_all_that_came_later(store: JobStore, held: Inspector) -> None:
    await store.report(report())
    await store.report(report("another"))
    first, second, third = await jobs_of(store, "ann", 3)
    bob = await jobs_of(store, "bob", 1)
    for job_id in (first, second):
        await held.pop(LANE)
        await claimed(store, job_id)
    await store.report(report("third"))
    await held.pop(LANE)
    await end_lease(store.redis, second)

    await sweep(store)

    assert await held.messages(LANE) == [second]
    assert len(await in_order(store)) + 1 == len([third, *bob])


async def test_a_due_retry_joins_the_end_of_its_users_jobs(store: JobStore) -> None:
    claim = await running(store, story(user_id="ann"))
    await store.retry_later(claim.lease, BUSY, wait=timedelta(hours=1))
    others = await jobs_of(store, "ann", 2)
    await make_retry_due(store.redis, claim.lease.job_id)

    await sweep(store)

    assert await in_order(store) == [*others, claim.lease.job_id]


async def test_a_batch_is_its_owners(store: JobStore, settings: Settings) -> None:
    [bob] = await jobs_of(store, "bob", 1)
    batches = BatchStore(store, settings, patience=PATIENCE)
    created = await batches.create([Item(f"{n}", story(user_id="ann")) for n in range(3)], user_id="ann")
    ann = [outcome.job_id async for outcome in batches.outcomes(created.job_id)]

    second_of_bob = (await jobs_of(store, "bob", 1))[0]

    order = await in_order(store)
    assert order.index(second_of_bob) <= 3
    assert [job_id for job_id in order if job_id in ann] == sorted(ann, key=order.index)
    assert order.index(bob) < 2


async def test_positions_are_the_order_in_which_jobs_run(store: JobStore, held: Inspector) -> None:
    await jobs_of(store, "ann", 5)
    await jobs_of(store, "bob", 3)
    await jobs_of(store, "eve", 2, priority=0)
    waiting = await in_order(store)
    positions = {job_id: (await store.get(job_id)).queue.position for job_id in waiting}

    await store.report(report())
    ran = [await run_next(store, held, "default") for _ in range(2)] + [await run_next(store, held) for _ in range(8)]

    assert [positions[job_id] for job_id in ran] == list(range(10))


# -- Upgrade -----------------------------------------------------------------------------------------------------------


async def test_jobs_that_version_0_1_queued_are_taken_over_in_their_order(store: JobStore, held: Inspector) -> None:
    """Their records have the input and a message in the hash, and stand in a zset of their lane."""
    client: Any = store.redis
    jobs = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(3)]
    for number, job_id in enumerate(jobs):
        await client.hset(
            keys.job(job_id),
            mapping={
                "id": job_id,
                "kind": "story",
                "queue": "default",
                "priority": "3",
                "user_id": "",
                "max_cost": "",
                "input": '{"title": "Old"}',
                "max_attempts": "3",
                "lane": LANE,
                "message": "{}",
                "deliveries": "1",
                "state": "queued",
                "state_reason": "",
                "attempt": "0",
                "fence": "0",
                "events": "1",
                "created_at": str(1000 + number),
                "queued_at": str(1000 + number),
                "deadline": str(2**42),
            },
        )
        await client.xadd(keys.events(job_id), {"event": "queued", "at": "1000", "data": "{}"}, id="1-0")
        await client.zadd(keys.INDEX_STATE + "queued", {job_id: 1000 + number})
        await client.zadd(keys.OLD_QUEUED + LANE, {job_id: 1000 + number})
    await client.sadd(keys.OLD_LANES, LANE, "default")

    await sweep(store)

    assert await in_order(store) == jobs
    assert await held.names("hr:queued:*") == []
    assert 86390 < await client.ttl(keys.OLD_LANES) <= 86400
    job = await store.get(jobs[1])
    assert (job.input, job.queue.position) == ({"title": "Old"}, 1)
    await store.complete((await claimed(store, jobs[1])).lease, result={})
    assert await held.events(jobs[1]) == ["queued", "running", "completed"]
