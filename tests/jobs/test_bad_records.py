"""One bad record stops nothing but itself: it is put aside, counted, and named by `headrace doctor`."""

import json
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from jobs import keys
from jobs.errors import StoreUnavailable
from jobs.job_findings import find_in_jobs
from jobs.listing import Filter, JobList
from jobs.pauses import of_queue
from jobs.states import State
from jobs.store import JobStore, Swept
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import claimed, queued, running, scheduled
from tests.support.time_travel import end_lease, make_retry_due, pass_start_deadline, sweep

pytestmark = pytest.mark.puts_aside
PATIENCE = timedelta(seconds=5)


async def _remove(redis: Redis, job_id: str) -> None:
    await redis.delete(keys.job(job_id))


async def _replace(redis: Redis, job_id: str) -> None:
    await redis.set(keys.job(job_id), "no hash")


async def _maim(redis: Redis, job_id: str) -> None:
    client: Any = redis
    await client.hset(keys.job(job_id), "priority", "urgent")


DAMAGES = [_remove, _replace, _maim]


@pytest.fixture(params=DAMAGES)
def damage(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401  # one of DAMAGES
    return request.param


@pytest.fixture(autouse=True)
async def _gone_afterwards(redis: Redis) -> Any:  # noqa: ANN401  # a fixture that yields
    """A string in the place of a hash is no record that other checks could read."""
    yield
    await redis.flushdb()


async def _put_aside(redis: Redis) -> set[str]:
    client: Any = redis
    return set(await client.hkeys(keys.QUARANTINED))


async def test_a_bad_record_of_each_sort_stops_no_recovery(
    store: JobStore,
    redis: Redis,
    held: Inspector,
    damage: Any,  # noqa: ANN401  # one of DAMAGES
) -> None:
    bad_running, good_running = (await running(store)).lease.job_id, (await running(store)).lease.job_id
    bad_due, good_due = (await scheduled(store)).lease.job_id, (await scheduled(store)).lease.job_id
    bad_late, good_late = await queued(store), await queued(store)
    for job_id in (bad_running, good_running):
        await end_lease(redis, job_id)
    for job_id in (bad_due, good_due):
        await make_retry_due(redis, job_id)
    for job_id in (bad_late, good_late):
        await pass_start_deadline(redis, job_id)
    bad = {bad_running, bad_due, bad_late}
    for job_id in bad:
        await damage(redis, job_id)

    assert await sweep(store) == Swept(leases_expired=1, retries_due=1, expired=1)

    assert [(await store.get(job_id)).state for job_id in (good_running, good_due, good_late)] == [
        State.QUEUED,
        State.QUEUED,
        State.EXPIRED,
    ]
    assert await _put_aside(redis) == bad
    assert await held.counter("quarantined") == len(bad)
    assert await sweep(store) == Swept(), "they are looked at no more"


async def test_a_bad_record_in_a_queue_does_not_stop_the_queue(
    without_workers: JobStore,
    store: JobStore,
    redis: Redis,
    held: Inspector,
    damage: Any,  # noqa: ANN401  # one of DAMAGES
) -> None:
    """Neither a release, which every change of a job in the queue makes, nor the look for lost messages."""
    bad, good = await queued(without_workers), await queued(without_workers)
    await damage(redis, bad)

    created = await queued(store)

    assert await held.messages("default\x06\x163") == [good, created]
    assert await _put_aside(redis) == {bad}
    assert (await claimed(store, good)).job.attempt == 1


async def test_a_bad_record_stops_no_purge(store: JobStore, redis: Redis, held: Inspector, damage: Any) -> None:  # noqa: ANN401  # one of DAMAGES
    bad, good = await queued(store), await queued(store)
    await damage(redis, bad)

    done = await store.purges.purge(of_queue("default"), by="ann", why="tests", within=PATIENCE)

    assert done.over
    assert (await store.get(good)).state is State.CANCELLED
    assert await held.members(keys.queue("default", keys.WAITING)) == []


async def test_the_doctor_names_it_and_why(store: JobStore, redis: Redis) -> None:
    claim = await running(store)
    await end_lease(redis, claim.lease.job_id)
    await _remove(redis, claim.lease.job_id)
    await sweep(store)

    [finding] = await find_in_jobs(redis, now=0, patience=PATIENCE)

    assert finding.wrong
    assert claim.lease.job_id in finding.what
    assert "put it aside" in finding.what
    assert f"HDEL {keys.QUARANTINED} {claim.lease.job_id}" in finding.remedy


async def test_a_redis_that_takes_no_writes_has_nothing_put_aside(store: JobStore, redis: Redis) -> None:
    """What the server refuses is not the record's fault."""
    claim = await running(store)
    await end_lease(redis, claim.lease.job_id)
    await redis.delete(keys.SWEPT)
    await redis.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(StoreUnavailable):
            await store.sweep()
    finally:
        await redis.config_set("min-replicas-to-write", 0)

    assert await sweep(store) == Swept(leases_expired=1)
    assert await _put_aside(redis) == set()


async def test_a_change_that_cannot_be_made_whole_is_not_begun(store: JobStore, redis: Redis) -> None:
    """Scripts do not roll back: a cancelled job that never ended would stay for ever."""
    claim = await running(store)
    client: Any = redis
    await client.hdel(keys.job(claim.lease.job_id), "running_since")

    with pytest.raises(ResponseError, match="its record lacks what every job has"):
        await store.cancel(claim.lease.job_id)

    assert (await store.get(claim.lease.job_id)).state is State.RUNNING


async def test_a_deeply_nested_step_keeps_no_job_from_its_end(store: JobStore, redis: Redis) -> None:
    """Deeper than Lua's JSON goes: scripts read no steps."""
    claim = await running(store)
    await store.save_step(claim.lease, "outline", "[" * 2000 + "]" * 2000)

    assert await store.cancel(claim.lease.job_id) is State.CANCELLED

    for part in ("", keys.STEPS, keys.EVENTS):
        assert await redis.ttl(keys.job(claim.lease.job_id) + part) > 0


async def test_a_state_that_only_a_newer_version_knows_is_shown(store: JobStore, redis: Redis) -> None:
    job_id, other = await queued(store), await queued(store)
    client: Any = redis
    await client.hset(keys.job(job_id), "state", "levitating")

    page = await JobList(redis, store.scripts, patience=PATIENCE).page(Filter())

    assert [(job.id, job.state) for job in page.jobs] == [(other, "queued"), (job_id, "levitating")]
    assert json.loads((await store.get(job_id)).model_dump_json())["state"] == "levitating"
