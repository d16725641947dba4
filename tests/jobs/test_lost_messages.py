"""sweep.lua: a queued job whose message was popped by a worker that died with it."""

from typing import Any

from redis.asyncio import Redis

from jobs import keys
from jobs.records import to_datetime
from jobs.settings import Settings
from jobs.store import JobStore, Swept
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, claimed, queued, story
from tests.support.time_travel import PAST, age_message, next_millisecond, rewrite, sweep

URGENT_LANE = "default"
RELEASED = keys.queue("default", keys.RELEASED)


async def test_a_lost_message_is_put_on_its_lane_again(store: JobStore, redis: Redis, held: Inspector) -> None:
    job_id = await queued(store)
    await held.pop(LANE)
    await age_message(redis, job_id)

    assert await sweep(store) == Swept(messages_lost=1)

    assert await held.messages(LANE) == [job_id]
    assert await held.counter("messages_lost") == 1


async def test_a_message_is_not_lost_before_the_grace_is_over(store: JobStore, redis: Redis, held: Inspector) -> None:
    """A worker that has just popped it is about to claim, however long the job has waited for that."""
    job_id = await queued(store)
    await rewrite(redis, job_id, queued_at=PAST)
    await held.pop(LANE)

    assert [await sweep(store), await sweep(store)] == [Swept(), Swept()]

    assert await held.messages(LANE) == []


async def test_the_grace_begins_when_the_message_is_first_seen_missing(
    store: JobStore, redis: Redis, held: Inspector, settings: Settings
) -> None:
    job_id = await queued(store)
    await sweep(store)
    assert (await held.score(RELEASED, job_id) or 0) > 0
    await held.pop(LANE)

    before = await held.now()
    await sweep(store)
    await next_millisecond(redis)
    await sweep(store)

    seen = -(await held.score(RELEASED, job_id) or 0)
    assert before <= seen <= await held.now()
    await redis.zadd(RELEASED, {job_id: -(seen - round(settings.message_grace.total_seconds() * 1000) - 1)})
    assert await sweep(store) == Swept(messages_lost=1)


async def test_a_job_whose_message_was_lost_has_waited_all_the_time(
    store: JobStore, redis: Redis, held: Inspector
) -> None:
    job_id = await queued(store)
    queued_at = await held.now() - 60_000
    await rewrite(redis, job_id, queued_at=queued_at)
    await held.pop(LANE)
    await age_message(redis, job_id)

    await sweep(store)

    waiting = (await store.get(job_id)).waiting
    assert waiting is not None
    assert waiting.since == to_datetime(queued_at)
    await claimed(store, job_id)
    assert await held.counter("wait_seconds:story:sum") >= 60_000


async def test_a_message_that_waits_on_its_lane_is_not_lost(store: JobStore, redis: Redis, held: Inspector) -> None:
    """However long it waits."""
    jobs = [await queued(store) for _ in range(3)]
    for job_id in jobs:
        await age_message(redis, job_id)

    assert await sweep(store) == Swept()

    assert await held.messages(LANE) == jobs


async def test_a_message_put_again_has_a_new_grace(store: JobStore, redis: Redis, held: Inspector) -> None:
    job_id = await queued(store)
    await held.pop(LANE)
    await age_message(redis, job_id)
    await sweep(store)
    await held.pop(LANE)

    assert await sweep(store) == Swept()


async def test_a_lost_message_is_no_event(store: JobStore, redis: Redis, held: Inspector) -> None:
    """The job did not change its state."""
    job_id = await queued(store)
    await held.pop(LANE)
    await age_message(redis, job_id)

    await sweep(store)

    assert await held.events(job_id) == ["queued"]


async def test_lost_messages_before_a_waiting_one_are_found_in_order(
    store: JobStore, redis: Redis, held: Inspector
) -> None:
    jobs = [await queued(store) for _ in range(5)]
    for _ in range(3):
        await held.pop(LANE)
    for job_id in jobs:
        await age_message(redis, job_id)

    assert await sweep(store) == Swept(messages_lost=3)

    assert await held.messages(LANE) == jobs
    assert await held.members(keys.queue("default", keys.WAITING)) == jobs


async def test_messages_are_lost_and_found_on_each_lane(store: JobStore, redis: Redis, held: Inspector) -> None:
    urgent, normal = await queued(store, story(priority=0)), await queued(store, story(priority=3))
    await queued(store, story(priority=9))
    await held.pop(URGENT_LANE)
    await held.pop(LANE)
    await age_message(redis, urgent)
    await age_message(redis, normal)

    assert await sweep(store) == Swept(messages_lost=2)

    assert await held.messages(URGENT_LANE) == [urgent]
    assert await held.messages(LANE) == [normal]


async def test_a_waiting_message_on_another_lane_hides_no_lost_one(
    store: JobStore, redis: Redis, held: Inspector
) -> None:
    await queued(store, story(priority=0))
    lost = await queued(store, story(priority=3))
    await held.pop(LANE)
    await age_message(redis, lost)

    assert await sweep(store) == Swept(messages_lost=1)


async def test_more_stale_messages_than_are_looked_through_put_the_search_off(
    store: JobStore, redis: Redis, held: Inspector
) -> None:
    """As of version 0.1, which had one for each queued job: the lost one may be among them."""
    lost, other = await queued(store), await queued(store)
    await held.pop(LANE)
    [text] = await held.message_texts(LANE)
    await held.push(LANE, text, times=2000)
    await age_message(redis, lost)
    assert await sweep(store) == Swept()

    await held.pop(LANE)
    await held.pop(LANE)

    assert await sweep(store) == Swept(messages_lost=1)
    assert (await held.messages(LANE))[:2] == [lost, other]


async def test_a_purged_queue_is_repaired_in_one_grace(store: JobStore, redis: Redis, held: Inspector) -> None:
    jobs = [await queued(store) for _ in range(50)]
    await redis.delete(LANE)
    await sweep(store)
    for job_id in jobs:
        await age_message(redis, job_id)

    assert await sweep(store) == Swept(messages_lost=50)

    assert await held.messages(LANE) == jobs


async def test_a_claimed_job_needs_no_message(store: JobStore, redis: Redis, held: Inspector) -> None:
    job_id = await queued(store)
    await held.pop(LANE)
    await claimed(store, job_id)
    await age_message(redis, job_id)

    assert await sweep(store) == Swept()


async def test_a_job_that_a_worker_of_0_1_has_claimed_leaves_the_queue(
    store: JobStore, redis: Redis, held: Inspector
) -> None:
    """By a message of its own, with scripts that know nothing of this queue."""
    job_id = await queued(store)
    await held.pop(LANE)
    client: Any = redis
    await client.hset(keys.job(job_id), "state", "running")
    await age_message(redis, job_id)

    await sweep(store)

    assert await held.messages(LANE) == []
    assert [await held.members(keys.queue("default", part)) for part in (keys.WAITING, keys.ORDER, keys.RELEASED)] == [
        [],
        [],
        [],
    ]


async def test_a_message_put_again_is_not_put_a_third_time_while_it_waits(
    store: JobStore, redis: Redis, held: Inspector
) -> None:
    """However often it is looked for."""
    first, second = await queued(store), await queued(store)
    await held.pop(LANE)

    for _ in range(5):
        await age_message(redis, first)
        await age_message(redis, second)
        await sweep(store)

    assert await held.messages(LANE) == [first, second]


async def test_each_delivery_has_a_tag_of_its_own(store: JobStore, redis: Redis, held: Inspector) -> None:
    job_id = await queued(store)
    await held.pop(LANE)
    await age_message(redis, job_id)

    await sweep(store)

    [text] = await held.message_texts(LANE)
    assert f'"delivery_tag": "{job_id}:2"' in text
