"""A retry is a new job from an ended one (create.lua); each job has one at most."""

import asyncio

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.errors import IdempotencyConflict, JobNotFound, NotRetryable
from jobs.states import State
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import BROKEN, LANE, claimed, ended, queued, running, scheduled, story, under_key
from tests.support.time_travel import end_retention

RETRYABLE = [State.FAILED, State.CANCELLED, State.EXPIRED]


@pytest.mark.parametrize("state", RETRYABLE)
async def test_a_job_that_did_not_complete_can_be_retried(store: JobStore, state: State) -> None:
    first = await store.get(await ended(store, state, story(user_id="ann", priority=6, max_attempts=2)))

    created = await store.retry(first.id)

    second = await store.get(created.job_id)
    assert not created.replayed
    assert (second.state, second.attempt, second.retry_of) == ("queued", 0, first.id)
    assert (second.input, second.user_id, second.priority, second.max_attempts) == (first.input, "ann", 6, 2)


async def test_the_retried_job_names_its_retry(store: JobStore) -> None:
    job_id = await ended(store, State.FAILED)

    created = await store.retry(job_id)

    first = await store.get(job_id)
    assert (first.state, first.retried_as) == ("failed", created.job_id)


async def test_a_retry_has_its_own_message_and_event(store: JobStore, held: Inspector) -> None:
    job_id = await ended(store, State.FAILED)
    await held.pop(LANE)

    created = await store.retry(job_id)

    assert await held.messages(LANE) == [created.job_id]
    assert await held.events(created.job_id) == ["queued"]


async def test_a_retry_does_not_pay_again_for_saved_steps(store: JobStore) -> None:
    claim = await running(store)
    await store.save_step(claim.lease, "outline", '{"pages": 4}')
    await store.fail(claim.lease, BROKEN)

    created = await store.retry(claim.lease.job_id)

    assert (await claimed(store, created.job_id)).steps == {"outline": '{"pages": 4}'}


async def test_a_retrys_steps_do_not_end_with_the_first_jobs(store: JobStore, redis: Redis, held: Inspector) -> None:
    claim = await running(store)
    await store.save_step(claim.lease, "outline", "1")
    await store.fail(claim.lease, BROKEN)

    created = await store.retry(claim.lease.job_id)
    await end_retention(redis, claim.lease.job_id)

    assert await held.seconds_left(keys.steps(created.job_id)) == -1
    assert await held.steps(created.job_id) == {"outline": "1"}


async def test_the_first_job_still_ends_after_its_retry(store: JobStore, held: Inspector) -> None:
    job_id = await ended(store, State.FAILED)

    await store.retry(job_id)

    assert await held.seconds_left(keys.job(job_id)) > 0


async def test_a_second_retry_is_the_first_one(store: JobStore, held: Inspector) -> None:
    job_id = await ended(store, State.FAILED)
    first = await store.retry(job_id)

    second = await store.retry(job_id)

    assert second.job_id == first.job_id
    assert second.replayed
    assert await held.counter("created:story") == 2


async def test_many_retries_at_once_make_one_job(store: JobStore) -> None:
    job_id = await ended(store, State.FAILED)

    created = await asyncio.gather(*(store.retry(job_id) for _ in range(10)))

    assert len({outcome.job_id for outcome in created}) == 1
    assert sum(not outcome.replayed for outcome in created) == 1


async def test_a_retry_can_itself_be_retried(store: JobStore) -> None:
    second = await store.retry(await ended(store, State.FAILED))
    await store.cancel(second.job_id)

    third = await store.retry(second.job_id)

    assert (await store.get(third.job_id)).retry_of == second.job_id


async def test_a_completed_job_is_not_retried(store: JobStore, held: Inspector) -> None:
    job_id = await ended(store, State.COMPLETED)

    with pytest.raises(NotRetryable, match="completed"):
        await store.retry(job_id)

    assert await held.counter("created:story") == 1


async def test_a_queued_job_is_not_retried(store: JobStore) -> None:
    job_id = await queued(store)

    with pytest.raises(NotRetryable, match="queued"):
        await store.retry(job_id)


async def test_a_running_job_is_not_retried(store: JobStore) -> None:
    claim = await running(store)

    with pytest.raises(NotRetryable, match="running"):
        await store.retry(claim.lease.job_id)


async def test_a_scheduled_job_is_not_retried(store: JobStore) -> None:
    claim = await scheduled(store)

    with pytest.raises(NotRetryable, match="scheduled"):
        await store.retry(claim.lease.job_id)


async def test_a_refused_retry_does_not_use_up_the_clients_key(store: JobStore) -> None:
    job_id = await queued(store)
    with pytest.raises(NotRetryable):
        await store.retry(job_id, under_key("k1"))

    await store.cancel(job_id)

    assert not (await store.retry(job_id, under_key("k1"))).replayed


async def test_an_unknown_job_is_not_retried(store: JobStore, held: Inspector) -> None:
    with pytest.raises(JobNotFound):
        await store.retry("00000000-0000-0000-0000-000000000000")

    assert await held.names() == []


async def test_the_same_key_gives_the_same_retry(store: JobStore) -> None:
    job_id = await ended(store, State.FAILED)
    first = await store.retry(job_id, under_key("k1"))

    second = await store.retry(job_id, under_key("k1"))

    assert second.replayed
    assert second.job_id == first.job_id


async def test_a_key_under_which_an_earlier_retry_was_found_is_used_up(store: JobStore) -> None:
    job_id = await ended(store, State.FAILED)
    first = await store.retry(job_id)

    assert (await store.retry(job_id, under_key("k1"))).job_id == first.job_id

    with pytest.raises(IdempotencyConflict, match=first.job_id):
        await store.create(story(), under_key("k1", says="another"))


async def test_a_key_used_for_another_request_does_not_retry(store: JobStore) -> None:
    await store.create(story(), under_key("k1", says="a story"))
    job_id = await ended(store, State.FAILED)

    with pytest.raises(IdempotencyConflict):
        await store.retry(job_id, under_key("k1", says="a retry"))

    assert (await store.get(job_id)).retried_as is None


async def test_a_retry_whose_reply_was_lost_is_one_job(lossy: Lossy, held: Inspector) -> None:
    job_id = await ended(lossy.store, State.FAILED)
    await held.pop(LANE)

    with lossy.proxy.losing_a_reply():
        created = await lossy.store.retry(job_id)

    assert not created.replayed
    assert await held.messages(LANE) == [created.job_id]
    assert (await lossy.store.get(job_id)).retried_as == created.job_id
