"""sweep.lua: leases that ended, retries that are due, start deadlines that passed, retention that is over."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.settings import Settings
from jobs.states import FINAL, Reason, State
from jobs.store import JobStore, Swept
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, LIMITED, claim_again, claimed, ended, queued, running, scheduled, story
from tests.support.time_travel import (
    end_lease,
    end_retention,
    make_retry_due,
    next_millisecond,
    pass_start_deadline,
    sweep,
)


async def test_a_sweep_with_nothing_due_changes_nothing(store: JobStore, held: Inspector) -> None:
    claim, waiting, later = await running(store), await queued(store), await scheduled(store)

    assert await sweep(store) == Swept()

    assert await held.members(keys.LEASES) == [claim.lease.job_id]
    assert await held.members(keys.queue("default", keys.WAITING)) == [waiting]
    assert await held.members(keys.SCHEDULED) == [later.lease.job_id]


# -- Leases ------------------------------------------------------------------------------------------------------------


async def test_a_job_whose_lease_ended_is_served_next(store: JobStore, redis: Redis, held: Inspector) -> None:
    silent = await queued(store)
    other = await queued(store)
    await held.pop(LANE)
    await claimed(store, silent)
    await end_lease(redis, silent)

    assert await sweep(store) == Swept(leases_expired=1)

    job = await store.get(silent)
    assert (job.state, job.state_reason, job.attempt) == ("queued", Reason.WORKER_LOST, 1)
    assert await held.messages(LANE) == [silent, other]
    assert await held.members(keys.LEASES) == []


async def test_a_lease_that_ended_is_an_event_and_counted(store: JobStore, redis: Redis, held: Inspector) -> None:
    claim = await running(store)
    await end_lease(redis, claim.lease.job_id)

    await sweep(store)

    assert await held.events(claim.lease.job_id) == ["queued", "running", "queued"]
    assert await held.last_event(claim.lease.job_id) == {"state": "queued", "reason": "worker_lost", "attempt": 1}
    assert await held.counter("leases_expired") == 1


async def test_a_job_that_kills_its_workers_fails_in_the_end(store: JobStore, redis: Redis, held: Inspector) -> None:
    job_id = await queued(store, story(max_attempts=2))
    for _ in range(2):
        await held.pop(LANE)
        await claimed(store, job_id)
        await end_lease(redis, job_id)
        await sweep(store)

    job = await store.get(job_id)
    assert (job.state, job.state_reason, job.attempt) == ("failed", Reason.WORKER_LOST, 2)
    assert job.error is not None
    assert job.error.message == "The worker was lost in attempt 2 of 2."
    assert await held.messages(LANE) == []
    assert await held.members(keys.DEAD) == [job_id]


async def test_an_interrupted_job_has_all_its_attempts_left(store: JobStore, redis: Redis) -> None:
    claim = await running(store, story(max_attempts=1))
    await store.hand_back(claim.lease)
    await claimed(store, claim.lease.job_id)
    await end_lease(redis, claim.lease.job_id)

    await sweep(store)

    job = await store.get(claim.lease.job_id)
    assert (job.state, job.attempt) == ("failed", 1)


# -- Retries -----------------------------------------------------------------------------------------------------------


async def test_a_due_retry_joins_the_end_of_its_queue(store: JobStore, redis: Redis, held: Inspector) -> None:
    claim = await scheduled(store)
    await held.pop(LANE)
    other = await queued(store)
    await make_retry_due(redis, claim.lease.job_id)
    await next_millisecond(redis)

    assert await sweep(store) == Swept(retries_due=1)

    job = await store.get(claim.lease.job_id)
    assert (job.state, job.state_reason, job.retry_at) == ("queued", Reason.PROVIDER_BUSY, None)
    assert await held.messages(LANE) == [other, job.id]
    assert await held.members(keys.SCHEDULED) == []


async def test_jobs_whose_slots_have_come_are_served_next_in_the_order_of_their_slots(
    store: JobStore, redis: Redis, held: Inspector
) -> None:
    """A slot is kept for ten seconds only, and the queue may take longer than that."""
    claims = [await running(store) for _ in range(3)]
    for claim in claims:
        await held.pop(LANE)
        await store.retry_later(claim.lease, LIMITED, wait=timedelta(hours=1))
    retry = await scheduled(store)
    await held.pop(LANE)
    other = await queued(store)
    due = [retry.job.id, *(claim.job.id for claim in claims)]
    await redis.zadd(keys.SCHEDULED, {job_id: position for position, job_id in enumerate(due)})
    await next_millisecond(redis)

    assert await sweep(store) == Swept(retries_due=4)

    expected = [*due[1:], other, retry.job.id]
    assert await held.messages(LANE) == expected


async def test_a_due_retry_is_an_event(store: JobStore, redis: Redis, held: Inspector) -> None:
    claim = await scheduled(store)
    await make_retry_due(redis, claim.lease.job_id)

    await sweep(store)

    assert await held.events(claim.lease.job_id) == ["queued", "running", "scheduled", "queued"]
    assert await held.last_event(claim.lease.job_id) == {"state": "queued", "reason": "provider_busy"}


async def test_a_retry_that_is_due_later_waits(store: JobStore, redis: Redis) -> None:
    due, later = await scheduled(store), await scheduled(store)
    await make_retry_due(redis, due.lease.job_id)

    await sweep(store)

    assert (await store.get(later.lease.job_id)).state == "scheduled"


# -- Start deadlines ---------------------------------------------------------------------------------------------------


async def test_a_job_that_was_not_started_in_time_expires(store: JobStore, redis: Redis, held: Inspector) -> None:
    job_id = await queued(store)
    await pass_start_deadline(redis, job_id)

    assert await sweep(store) == Swept(expired=1)

    job = await store.get(job_id)
    assert (job.state, job.state_reason) == ("expired", Reason.START_DEADLINE)
    assert await held.events(job_id) == ["queued", "expired"]
    assert await held.members(keys.queue("default", keys.WAITING)) == []
    assert await held.members(keys.DEADLINES) == []


@pytest.mark.parametrize("again", ["handed back", "scheduled"])
async def test_a_job_that_was_started_once_does_not_expire(store: JobStore, redis: Redis, again: str) -> None:
    claim = await scheduled(store) if again == "scheduled" else await running(store)
    if again == "handed back":
        await store.hand_back(claim.lease)
    await pass_start_deadline(redis, claim.lease.job_id)

    assert await sweep(store) == Swept()


# -- Retention ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(FINAL))
async def test_a_job_kept_long_enough_leaves_every_index(
    store: JobStore, redis: Redis, held: Inspector, state: State
) -> None:
    job_id = await ended(store, state, story(user_id="ann"))
    await end_retention(redis, job_id)

    await sweep(store)

    assert await held.indexed(job_id) == set()
    for zset in (
        keys.RETAINED,
        keys.DEAD,
        keys.DEADLINES,
        keys.LEASES,
        keys.SCHEDULED,
        keys.queue("default", keys.WAITING),
    ):
        assert await held.members(zset) == []


@pytest.mark.parametrize("state", sorted(FINAL))
async def test_a_job_may_be_kept_for_less_long(store: JobStore, held: Inspector, state: State) -> None:
    job_id = await ended(store, state, story(retention=timedelta(minutes=5)))

    job = await store.get(job_id)
    assert job.finished_at is not None
    [member] = await held.members(keys.RETAINED)
    assert await held.score(keys.RETAINED, member) == (job.finished_at + timedelta(minutes=5)).timestamp() * 1000
    for name in await held.names(f"{keys.job(job_id)}*"):
        assert 290 < await held.seconds_left(name) <= 300


async def test_a_job_is_kept_no_longer_than_the_deployment_has_it(
    store: JobStore, held: Inspector, settings: Settings
) -> None:
    """Which may have become less since the job was made."""
    job_id = await ended(store, State.COMPLETED, story(retention=2 * settings.retention))

    assert await held.seconds_left(keys.job(job_id)) <= settings.retention.total_seconds()


async def test_retention_ends_in_the_index_when_it_does_in_the_record(
    store: JobStore, held: Inspector, settings: Settings
) -> None:
    job_id = await ended(store, State.COMPLETED, story(user_id="ann"))
    finished = (await store.get(job_id)).finished_at
    assert finished is not None

    [member] = await held.members(keys.RETAINED)

    assert member == f"{job_id} story completed ann"
    assert await held.score(keys.RETAINED, member) == (finished + settings.retention).timestamp() * 1000


async def test_other_finished_jobs_stay_listed(store: JobStore, redis: Redis, held: Inspector) -> None:
    old, young = await ended(store, State.COMPLETED), await ended(store, State.COMPLETED)
    await end_retention(redis, old)

    await sweep(store)

    assert await held.members(keys.INDEX_STATE + "completed") == [young]


async def test_the_messages_of_a_forgotten_job_are_refused(store: JobStore, redis: Redis, held: Inspector) -> None:
    job_id = await ended(store, State.COMPLETED)
    await end_retention(redis, job_id)
    await sweep(store)

    await claim_again(store, job_id)

    assert await held.names(f"{keys.job(job_id)}*") == []


# -- Several sweepers --------------------------------------------------------------------------------------------------


async def test_of_many_sweeps_at_once_one_does_the_work(store: JobStore, redis: Redis, held: Inspector) -> None:
    lost, due, late = await running(store), await scheduled(store), await queued(store)
    await end_lease(redis, lost.lease.job_id)
    await make_retry_due(redis, due.lease.job_id)
    await pass_start_deadline(redis, late)

    swept = await asyncio.gather(*(store.sweep() for _ in range(5)))

    assert [once for once in swept if once] == [Swept(leases_expired=1, retries_due=1, expired=1)]
    assert await held.events(lost.lease.job_id) == ["queued", "running", "queued"]


async def test_a_sweep_right_after_another_leaves_the_work_to_the_next(store: JobStore, redis: Redis) -> None:
    """Every worker sweeps; a pause between sweeps keeps many workers from costing Redis more than one."""
    await store.sweep()
    claim = await running(store)
    await end_lease(redis, claim.lease.job_id)

    assert await store.sweep() == Swept(elsewhere=True)
    assert (await store.get(claim.lease.job_id)).state == "running"

    assert await sweep(store) == Swept(leases_expired=1)


async def test_a_second_sweep_finds_nothing_left(store: JobStore, redis: Redis, held: Inspector) -> None:
    """Even when the pause between two sweeps is over."""
    lost = await running(store)
    await held.pop(LANE)
    await end_lease(redis, lost.lease.job_id)
    await sweep(store)

    assert await sweep(store) == Swept()

    assert await held.messages(LANE) == [lost.lease.job_id]


async def test_the_pause_between_sweeps_ends(store: JobStore, redis: Redis, settings: Settings) -> None:
    await store.sweep()
    assert (await store.sweep()).elsewhere
    client: Any = redis
    last, pause = int(await client.get(keys.SWEPT)), settings.sweep * 0.75

    await client.set(keys.SWEPT, last - pause // timedelta(milliseconds=1))

    assert not (await store.sweep()).elsewhere


async def test_a_sweep_in_the_future_keeps_none_back(store: JobStore, redis: Redis, held: Inspector) -> None:
    """The clock has gone back since. Leases begin anew, and workers that reported then are believed no longer."""
    claim = await running(store)
    now = await held.now()
    client: Any = redis
    await client.set(keys.SWEPT, now + 600_000)
    await client.zadd(keys.LEASES, {claim.job.id: now + 600_000})
    await client.zadd(keys.queue("default", keys.SLOTS), {"w": now + 600_000})

    assert await store.sweep() == Swept()

    assert await client.zscore(keys.LEASES, claim.job.id) < now + 60_000
    assert await client.zscore(keys.queue("default", keys.SLOTS), "w") < now + 60_000
    assert await held.counter("clock_jumps") == 1


async def test_no_worker_of_0_1_sweeps_what_a_later_version_has_made(store: JobStore, redis: Redis) -> None:
    """Its own sweep sets this key, and leaves when it is there."""
    await store.create(story())
    assert 86390 < await redis.ttl(keys.OLD_SWEEPING) <= 86400

    await redis.delete(keys.OLD_SWEEPING)
    await sweep(store)
    assert 86390 < await redis.ttl(keys.OLD_SWEEPING) <= 86400


async def test_one_sweep_handles_a_batch_and_the_next_the_rest_at_once(store: JobStore, redis: Redis) -> None:
    jobs = [(await store.create(story())).job_id for _ in range(101)]
    for job_id in jobs:
        await pass_start_deadline(redis, job_id)

    assert [await store.sweep() for _ in range(3)] == [
        Swept(expired=100, more=True),
        Swept(expired=1),
        Swept(elsewhere=True),
    ]


async def test_no_number_of_ended_retentions_is_too_many_for_the_sweep(store: JobStore, redis: Redis) -> None:
    """Or the indexes of a busy fleet would grow for ever."""
    for number in range(250):
        await redis.zadd(keys.RETAINED, {f"{number} story completed ann": 1})
        await redis.zadd(keys.INDEX_ALL, {str(number): 1})

    assert [(await store.sweep()).more for _ in range(3)] == [True, True, False]
    assert await redis.zcard(keys.INDEX_ALL) == 0


async def test_what_cannot_be_done_yet_is_no_reason_to_sweep_again(store: JobStore, held: Inspector) -> None:
    """A hundred messages were popped a moment ago."""
    for _ in range(100):
        await store.create(story())
        await held.pop(LANE)

    assert await store.sweep() == Swept()


async def test_of_several_lost_jobs_the_first_to_be_lost_runs_first(store: JobStore, held: Inspector) -> None:
    """All go to the head of the lane, in the order in which their leases ended."""
    jobs = [await running(store) for _ in range(3)]
    for position, lost in enumerate(jobs):
        await store.redis.zadd(keys.LEASES, {lost.job.id: position})
    await store.sweep()
    assert (await held.messages(LANE))[:3] == [lost.job.id for lost in jobs]
