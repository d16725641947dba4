"""Time passes in Redis, not in the test: due times are moved into the past and a sweep is let through."""

from typing import Any

from redis.asyncio import Redis

from jobs import keys
from jobs.store import JobStore, Swept

PAST = 1
"""ms since the epoch: long ago."""


async def end_lease(redis: Redis, job_id: str) -> None:
    await redis.zadd(keys.LEASES, {job_id: PAST}, xx=True)


async def make_retry_due(redis: Redis, job_id: str) -> None:
    await redis.zadd(keys.SCHEDULED, {job_id: PAST}, xx=True)


async def make_schedule_due(redis: Redis, schedule_id: str, *, at: int = PAST) -> None:
    """Since `at`, ms since the epoch. Not one that is paused."""
    await redis.zadd(keys.SCHEDULES_DUE, {schedule_id: at}, xx=True)


async def pass_start_deadline(redis: Redis, job_id: str) -> None:
    """Of a queued job that was never started; others have none, not yet or not any more."""
    if await redis.zscore(keys.DEADLINES, job_id) is not None:
        await redis.zadd(keys.DEADLINES, {job_id: PAST}, xx=True)
        await rewrite(redis, job_id, deadline=PAST)


async def age_message(redis: Redis, job_id: str) -> None:
    """The job's message, if it was seen missing, was so longer ago than any grace."""
    client: Any = redis
    released = keys.queue(await client.hget(keys.job(job_id), "queue"), keys.RELEASED)
    await client.zadd(released, {job_id: -PAST}, xx=True)


async def wait_since(redis: Redis, job_id: str, at: int) -> None:
    """The job stands in its queue since then, ms since the epoch."""
    client: Any = redis
    await client.zadd(keys.queue(await client.hget(keys.job(job_id), "queue"), keys.WAITING), {job_id: at}, xx=True)
    await rewrite(redis, job_id, queued_at=at)


async def rewrite(redis: Redis, job_id: str, **dates: int) -> None:
    """Sets dates of the job's record, ms since the epoch."""
    client: Any = redis
    await client.hset(keys.job(job_id), mapping=dates)


async def end_retention(redis: Redis, job_id: str) -> None:
    """What the TTLs do to a finished job's keys; the indexes still have it."""
    client: Any = redis
    for member in await client.zrange(keys.RETAINED, 0, -1):
        if member.startswith(job_id):
            await client.zadd(keys.RETAINED, {member: PAST})
    await redis.delete(*(keys.job(job_id) + part for part in ("", keys.INPUT, keys.EVENTS, keys.STEPS, keys.FILES)))


async def sweep(store: JobStore) -> Swept:
    """A sweep that does not wait until the last one is a pause ago."""
    await store.redis.delete(keys.SWEPT)
    return await store.sweep()


async def next_millisecond(redis: Redis) -> None:
    """Returns when the server's clock shows another millisecond: jobs made before and after stand in this order."""
    client: Any = redis
    start = await client.time()
    while (now := await client.time())[0] == start[0] and now[1] // 1000 == start[1] // 1000:
        pass
