"""create.lua: a job and its message, or neither."""

import asyncio
import json
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.errors import IdempotencyConflict
from jobs.settings import Settings
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, queued, running, story, under_key
from tests.support.time_travel import end_retention


async def test_a_new_job_waits_for_a_worker(store: JobStore) -> None:
    job = await store.get(await queued(store, story(user_id="ann", priority=5, max_attempts=7)))

    assert (job.state, job.attempt, job.max_attempts, job.priority, job.user_id) == ("queued", 0, 7, 5, "ann")
    assert job.state_reason is None
    assert job.input == {"title": "The Fox", "prompt": "A fox finds the sea", "pages": 4}
    assert job.waiting is not None
    assert job.waiting.on == "no_worker"
    assert job.started_at is None


async def test_the_job_and_its_message_come_together(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store)

    assert await held.messages(LANE) == [job_id]
    assert await held.members(keys.queue("default", keys.WAITING)) == [job_id]


async def test_a_new_job_has_one_event(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store)

    assert await held.events(job_id) == ["queued"]


async def test_a_new_job_is_in_every_index(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store, story(user_id="ann"))

    assert await held.indexed(job_id) == {
        "hr:index:all",
        "hr:index:state:queued",
        "hr:index:kind:story",
        "hr:index:user:ann",
    }


async def test_a_job_of_nobody_makes_no_user_index(store: JobStore, held: Inspector) -> None:
    await queued(store)

    assert await held.names("hr:index:user:*") == []


async def test_a_users_index_outlives_the_users_jobs(store: JobStore, held: Inspector, settings: Settings) -> None:
    await queued(store, story(user_id="ann"))

    assert await held.seconds_left("hr:index:user:ann") > settings.retention.total_seconds()


async def test_a_new_job_is_counted_by_kind(store: JobStore, held: Inspector) -> None:
    await queued(store)
    await queued(store)

    assert await held.counters() == {"created:story": 2}


async def test_a_job_must_start_within_its_deadline(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store, story(start_deadline=timedelta(minutes=5)))

    job = await store.get(job_id)
    assert job.deadline - job.created_at == timedelta(minutes=5)
    assert await held.score(keys.DEADLINES, job_id) == job.deadline.timestamp() * 1000


async def test_attempts_and_start_deadline_come_from_the_settings(store: JobStore, settings: Settings) -> None:
    job = await store.get(await queued(store))

    assert job.max_attempts == settings.max_attempts
    assert job.deadline - job.created_at == settings.start_deadline


async def test_jobs_are_served_in_the_order_they_came(store: JobStore, held: Inspector) -> None:
    jobs = [await queued(store) for _ in range(4)]

    assert await held.messages(LANE) == jobs
    assert await held.members(keys.queue("default", keys.WAITING)) == jobs


async def test_a_waiting_job_knows_how_many_are_before_it(without_workers: JobStore) -> None:
    store = without_workers
    jobs = [await queued(store) for _ in range(3)]

    assert [(await store.get(job_id)).queue.position for job_id in jobs] == [0, 1, 2]


async def test_more_urgent_jobs_are_before_a_job_that_came_first(without_workers: JobStore) -> None:
    store = without_workers
    waiting = await queued(store, story(priority=3))
    await queued(store, story(priority=0))
    await queued(store, story(priority=9))

    assert (await store.get(waiting)).queue.position == 1


async def test_a_job_that_does_not_wait_has_no_position(store: JobStore) -> None:
    claim = await running(store)

    assert (await store.get(claim.lease.job_id)).queue.position is None


async def test_the_same_key_and_request_give_the_same_job(store: JobStore, held: Inspector) -> None:
    first = await store.create(story(), under_key("k1"))

    second = await store.create(story(), under_key("k1"))

    assert (first.replayed, second.replayed) == (False, True)
    assert second.job_id == first.job_id
    assert await held.messages(LANE) == [first.job_id]
    assert await held.counter("created:story") == 1


async def test_the_same_key_for_another_request_is_a_conflict(store: JobStore, held: Inspector) -> None:
    first = await store.create(story(), under_key("k1", says="a story"))

    with pytest.raises(IdempotencyConflict, match=first.job_id):
        await store.create(story(), under_key("k1", says="another story"))

    assert await held.messages(LANE) == [first.job_id]


async def test_a_conflict_leaves_no_trace_of_the_other_request(store: JobStore, held: Inspector) -> None:
    await store.create(story(), under_key("k1", says="a story"))
    before = await held.names()

    with pytest.raises(IdempotencyConflict):
        await store.create(story(), under_key("k1", says="another story"))

    assert await held.names() == before


@pytest.mark.parametrize(("owner", "key"), [("bob", "k1"), ("ann", "k2")])
async def test_another_owner_or_key_is_another_request(store: JobStore, owner: str, key: str) -> None:
    first = await store.create(story(), under_key("k1", owner="ann"))

    second = await store.create(story(), under_key(key, owner=owner))

    assert second.job_id != first.job_id
    assert not second.replayed


async def test_a_colon_in_an_owners_name_does_not_reach_anothers_keys(store: JobStore) -> None:
    first = await store.create(story(), under_key("k1", owner="team:ann"))

    second = await store.create(story(), under_key("ann:k1", owner="team"))

    assert second.job_id != first.job_id


async def test_a_clients_key_is_forgotten_in_time(store: JobStore, held: Inspector, settings: Settings) -> None:
    await store.create(story(), under_key("k1"))

    left = await held.seconds_left(keys.idempotency("ann", "k1"))

    assert 0 < left <= settings.idempotency_ttl.total_seconds()


async def test_a_key_is_free_again_when_what_it_made_is_no_longer_kept(store: JobStore, redis: Redis) -> None:
    first = await store.create(story(), under_key("k1"))
    await store.cancel(first.job_id)
    await end_retention(redis, first.job_id)

    second = await store.create(story(), under_key("k1", says="another story"))

    assert not second.replayed
    assert (await store.create(story(), under_key("k1", says="another story"))).job_id == second.job_id


async def test_a_replay_does_not_prolong_a_clients_key(store: JobStore, redis: Redis, held: Inspector) -> None:
    await store.create(story(), under_key("k1"))
    await redis.expire(keys.idempotency("ann", "k1"), 10)

    await store.create(story(), under_key("k1"))

    assert await held.seconds_left(keys.idempotency("ann", "k1")) <= 10


async def test_many_requests_at_once_under_one_key_make_one_job(store: JobStore, held: Inspector) -> None:
    created = await asyncio.gather(*(store.create(story(), under_key("k1")) for _ in range(20)))

    assert len({outcome.job_id for outcome in created}) == 1
    assert sum(not outcome.replayed for outcome in created) == 1
    assert len(await held.messages(LANE)) == 1


async def test_a_create_whose_reply_was_lost_makes_one_job(lossy: Lossy, held: Inspector) -> None:
    with lossy.proxy.losing_a_reply():
        created = await lossy.store.create(story(user_id="ann"))

    assert not created.replayed
    assert await held.messages(LANE) == [created.job_id]
    assert await held.events(created.job_id) == ["queued"]
    assert await held.counter("created:story") == 1


async def test_a_create_under_a_key_whose_reply_was_lost_is_no_replay(lossy: Lossy, held: Inspector) -> None:
    """The client sees the first answer, not that its own repeat found the job."""
    with lossy.proxy.losing_a_reply():
        created = await lossy.store.create(story(), under_key("k1"))

    assert not created.replayed
    assert await held.messages(LANE) == [created.job_id]


async def test_the_message_names_its_delivery(store: JobStore, held: Inspector) -> None:
    """By this tag kombu keeps unacked messages, so no two deliveries may share one."""
    job_id = await queued(store)

    [text] = await held.message_texts(LANE)

    assert json.loads(text)["properties"]["delivery_tag"] == f"{job_id}:1"
