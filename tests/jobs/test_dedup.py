"""dedup_key: while the first job stands for it, no other one is made."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.errors import DuplicateJob
from jobs.new_job import Dedup, NewJob
from jobs.states import FINAL, State
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import BUSY, claimed, ended, queued, running, story, under_key
from tests.support.time_travel import end_retention

ANN = f"{keys.DEDUP}ann book-17"


def _once(dedup: Dedup | None = None, *, user_id: str | None = "ann", delay: timedelta | None = None) -> NewJob:
    return replace(story(user_id=user_id, delay=delay), dedup=dedup or Dedup("book-17"))


async def test_a_second_job_is_not_made(store: JobStore, held: Inspector) -> None:
    first = await store.create(_once())
    second = await store.create(_once())

    assert (first.duplicate, second.duplicate) == (False, True)
    assert second.job_id == first.job_id
    assert (await store.get(first.job_id)).dedup_key == "book-17"
    assert await held.members(keys.INDEX_ALL) == [first.job_id]


async def test_of_many_at_once_one_is_made(store: JobStore, held: Inspector) -> None:
    made = await asyncio.gather(*(store.create(_once()) for _ in range(20)))

    assert len({created.job_id for created in made}) == 1
    assert [created.duplicate for created in made].count(False) == 1
    assert len(await held.members(keys.INDEX_ALL)) == 1


async def test_a_second_job_can_be_refused(store: JobStore) -> None:
    first = await queued(store, _once())

    with pytest.raises(DuplicateJob, match=first):
        await store.create(_once(Dedup("book-17", reject=True)))


@pytest.mark.parametrize(
    "other",
    [_once(user_id="bob"), _once(user_id=None), _once(Dedup("book-18")), story(user_id="ann")],
    ids=["another user's", "nobody's", "another key", "no key"],
)
async def test_another_job_is_made(store: JobStore, other: NewJob) -> None:
    first = await queued(store, _once())

    assert await queued(store, other) != first


@pytest.mark.parametrize("state", sorted(FINAL))
async def test_the_end_of_the_first_one_sets_the_key_free(store: JobStore, held: Inspector, state: State) -> None:
    first = await ended(store, state, _once())

    assert await held.names(f"{keys.DEDUP}*") == []
    assert await queued(store, _once()) != first


async def test_a_job_that_waits_keeps_its_key(store: JobStore) -> None:
    later = await queued(store, _once(delay=timedelta(hours=1)))
    assert (await store.create(_once())).job_id == later
    await store.cancel(later)

    claim = await running(store, _once())
    await store.retry_later(claim.lease, BUSY, wait=timedelta(hours=1))
    assert (await store.create(_once())).job_id == claim.lease.job_id


async def test_a_time_holds_beyond_the_end(store: JobStore, redis: Redis, held: Inspector) -> None:
    first = await ended(store, State.COMPLETED, _once(Dedup("book-17", timedelta(minutes=5))))

    assert (await store.create(_once())).job_id == first
    assert 290 < await held.seconds_left(ANN) <= 300

    await redis.delete(ANN)  # as its TTL does
    assert await queued(store, _once()) != first


async def test_a_job_that_outlives_its_time_sets_no_others_key_free(store: JobStore, redis: Redis) -> None:
    first = await queued(store, _once(Dedup("book-17", timedelta(minutes=5))))
    await redis.delete(ANN)
    second = await queued(store, _once())

    await store.cancel(first)

    assert (await store.create(_once())).job_id == second


async def test_a_job_that_is_no_longer_kept_is_no_duplicate(store: JobStore, redis: Redis) -> None:
    first = await ended(store, State.COMPLETED, _once(Dedup("book-17", timedelta(days=30))))
    await end_retention(redis, first)

    assert not (await store.create(_once())).duplicate


async def test_a_duplicate_is_what_its_idempotency_key_stands_for(store: JobStore) -> None:
    """A repeat of the request gets the same job, even when a new one would be made by then."""
    first = await queued(store, _once())
    assert (await store.create(_once(), under_key("k"))).duplicate
    await store.cancel(first)

    again = await store.create(_once(), under_key("k"))

    assert (again.job_id, again.replayed, again.duplicate) == (first, True, False)


async def test_a_refusal_uses_no_idempotency_key_up(store: JobStore) -> None:
    reject = _once(Dedup("book-17", reject=True))
    first = await queued(store, _once())
    with pytest.raises(DuplicateJob):
        await store.create(reject, under_key("k"))
    await store.cancel(first)

    assert not (await store.create(reject, under_key("k"))).duplicate


async def test_a_repeated_request_finds_its_own_job_no_duplicate(lossy: Lossy) -> None:
    """The reply was lost; the script is sent again."""
    with lossy.proxy.losing_a_reply():
        created = await lossy.store.create(_once(Dedup("book-17", reject=True)))

    assert not created.duplicate


async def test_a_retry_is_a_job_of_its_own(store: JobStore) -> None:
    failed = await ended(store, State.FAILED, _once())

    retry = await store.get((await store.retry(failed)).job_id)
    assert retry.dedup_key is None
    assert await claimed(store, retry.id)
    assert not (await store.create(_once())).duplicate
