"""Batches: accepted whole or not at all, made by whoever is there, counted by the scripts that change their jobs."""

from datetime import timedelta
from typing import Any

import pytest
import redis as redis_py
from redis.asyncio import Redis

from cli.embedded_redis import EmbeddedRedis
from jobs import keys
from jobs.batches import BatchStore, Item
from jobs.errors import BatchNotFound, IdempotencyConflict, StoreUnavailable
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, claimed, story, under_key
from tests.support.time_travel import end_retention, sweep

PATIENCE = timedelta(seconds=5)


@pytest.fixture
def batches(store: JobStore, settings: Settings) -> BatchStore:
    return BatchStore(store, settings, patience=PATIENCE)


def items(count: int) -> list[Item]:
    return [Item(f"book-{number}", story(title=f"Book {number}", user_id="ann")) for number in range(count)]


async def created(batches: BatchStore, count: int) -> str:
    return (await batches.create(items(count), user_id="ann")).job_id


async def jobs_of(batches: BatchStore, batch_id: str) -> list[str]:
    return [outcome.job_id async for outcome in batches.outcomes(batch_id)]


async def unmade(batches: BatchStore, store: JobStore, count: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """A batch whose API died right after it was taken on."""

    async def die(_batch_id: str) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(batches, "_expand", die)
        batch_id = await created(batches, count)
    assert await store.redis.llen(keys.batch(batch_id) + keys.PENDING) == count
    return batch_id


async def test_every_job_of_a_batch_waits_for_a_worker(batches: BatchStore, store: JobStore, held: Inspector) -> None:
    batch_id = await created(batches, 250)

    batch = await batches.get(batch_id)
    assert (batch.state, batch.total, batch.user_id) == ("running", 250, "ann")
    assert {state: count for state, count in batch.counts.items() if count} == {"queued": 250}
    ids = await jobs_of(batches, batch_id)
    assert await held.messages(LANE) == ids
    job = await store.get(ids[17])
    assert (job.batch, job.custom_id, job.input["title"], job.user_id) == (batch_id, "book-17", "Book 17", "ann")


async def test_every_job_of_a_large_batch_is_named_once(batches: BatchStore) -> None:
    """They are read five hundred at a time."""
    batch_id = await created(batches, 1001)

    assert [outcome.custom_id async for outcome in batches.outcomes(batch_id)] == [one.custom_id for one in items(1001)]


async def test_a_batch_ends_with_its_last_job(batches: BatchStore, store: JobStore, redis: Redis) -> None:
    batch_id = await created(batches, 2)
    first, second = await jobs_of(batches, batch_id)

    claim = await claimed(store, first)
    assert (await batches.get(batch_id)).counts["running"] == 1
    await store.complete(claim.lease, result={"title": "One"})
    assert (await batches.get(batch_id)).state == "running"
    await store.cancel(second)

    batch = await batches.get(batch_id)
    assert batch.state == "completed"
    assert batch.finished_at is not None
    assert {state: count for state, count in batch.counts.items() if count} == {"completed": 1, "cancelled": 1}
    for suffix in ("", keys.EVENTS, keys.MEMBERS):
        assert await redis.ttl(keys.batch(batch_id) + suffix) > 0


async def test_its_events_name_each_job_that_ended(batches: BatchStore, store: JobStore, redis: Redis) -> None:
    batch_id = await created(batches, 2)
    for job_id in await jobs_of(batches, batch_id):
        await store.cancel(job_id)

    entries: Any = await redis.xrange(keys.batch(batch_id) + keys.EVENTS)

    assert [fields["event"] for _, fields in entries] == ["running", "job", "job", "completed"]
    assert '"custom_id":"book-0"' in entries[1][1]["data"]


async def test_results_stand_in_the_order_of_the_request(batches: BatchStore, store: JobStore) -> None:
    batch_id = await created(batches, 3)
    _, second, third = await jobs_of(batches, batch_id)
    await store.complete((await claimed(store, third)).lease, result={"title": "Three"})
    await store.cancel(second)

    found = [(o.custom_id, o.state, o.result) async for o in batches.outcomes(batch_id)]

    assert found == [
        ("book-0", "queued", None),
        ("book-1", "cancelled", None),
        ("book-2", "completed", {"title": "Three"}),
    ]


async def test_a_batch_that_nobody_feeds_is_fed_by_the_sweep(
    batches: BatchStore, store: JobStore, monkeypatch: pytest.MonkeyPatch, held: Inspector
) -> None:
    batch_id = await unmade(batches, store, 150, monkeypatch)
    assert [outcome.state async for outcome in batches.outcomes(batch_id)] == ["pending"] * 150

    await sweep(store)
    assert (await batches.get(batch_id)).counts["queued"] == 100
    await sweep(store)

    assert (await batches.get(batch_id)).counts["queued"] == 150
    assert await held.messages(LANE) == await jobs_of(batches, batch_id)
    assert await store.redis.zcard(keys.EXPANDING) == 0


async def test_a_cancelled_batch_makes_no_further_job(
    batches: BatchStore, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = await unmade(batches, store, 150, monkeypatch)
    await sweep(store)

    await batches.cancel(batch_id)
    await batches.cancel(batch_id)

    batch = await batches.get(batch_id)
    assert batch.state == "cancelled"
    assert {state: count for state, count in batch.counts.items() if count} == {"cancelled": 150}
    assert {outcome.state async for outcome in batches.outcomes(batch_id)} == {"cancelled"}
    await sweep(store)
    assert (await batches.get(batch_id)).counts["queued"] == 0


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_job_that_is_no_longer_kept_is_neither_pending_nor_cancelled(
    batches: BatchStore, store: JobStore, monkeypatch: pytest.MonkeyPatch, *, cancelled: bool
) -> None:
    """Jobs are kept from their own end on, and a batch may run for longer."""
    batch_id = await unmade(batches, store, 101, monkeypatch)
    await sweep(store)
    first, *_ = await jobs_of(batches, batch_id)
    await store.complete((await claimed(store, first)).lease, result={})
    await end_retention(store.redis, first)
    if cancelled:
        await batches.cancel(batch_id)
        await batches.cancel(batch_id)

    states = [outcome.state async for outcome in batches.outcomes(batch_id)]

    if cancelled:
        assert states == [None, *["cancelled"] * 100]
    else:
        assert states == [None, *["queued"] * 99, "pending"]


async def test_what_had_ended_stays_as_it_was(batches: BatchStore, store: JobStore) -> None:
    batch_id = await created(batches, 3)
    first, second, _ = await jobs_of(batches, batch_id)
    await store.complete((await claimed(store, first)).lease, result={})
    running = await claimed(store, second)

    await batches.cancel(batch_id)

    states = [outcome.state async for outcome in batches.outcomes(batch_id)]
    assert states == ["completed", "cancelled", "cancelled"]
    assert (await batches.get(batch_id)).state == "cancelled"
    assert running.lease.fence == 1


async def test_the_same_key_makes_one_batch(batches: BatchStore) -> None:
    first = await batches.create(items(2), user_id="ann", idempotency=under_key("k"))
    again = await batches.create(items(2), user_id="ann", idempotency=under_key("k"))

    assert (again.job_id, again.replayed) == (first.job_id, True)
    assert (await batches.get(first.job_id)).counts["queued"] == 2
    with pytest.raises(IdempotencyConflict):
        await batches.create(items(3), user_id="ann", idempotency=under_key("k", says="other"))


async def test_the_key_of_a_batch_that_is_no_longer_kept_is_free_again(batches: BatchStore, redis: Redis) -> None:
    first = await batches.create(items(1), user_id="ann", idempotency=under_key("k"))
    await batches.cancel(first.job_id)
    await redis.delete(*(keys.batch(first.job_id) + suffix for suffix in ("", keys.EVENTS, keys.MEMBERS)))

    second = await batches.create(items(2), user_id="ann", idempotency=under_key("k"))

    assert not second.replayed
    assert (await batches.get(second.job_id)).total == 2


async def test_a_job_does_not_take_the_key_of_a_batch(batches: BatchStore, store: JobStore) -> None:
    await batches.create(items(1), user_id="ann", idempotency=under_key("k"))

    with pytest.raises(IdempotencyConflict):
        await store.create(story(), under_key("k", says="a job"))


async def test_a_batch_that_is_not_made_leaves_no_trace(batches: BatchStore, held: Inspector) -> None:
    await batches.create(items(2), user_id="ann", idempotency=under_key("k"))
    before = await held.names()

    await batches.create(items(2), user_id="ann", idempotency=under_key("k"))
    with pytest.raises(IdempotencyConflict):
        await batches.create(items(3), user_id="ann", idempotency=under_key("k", says="other"))

    assert await held.names() == before


async def test_what_was_staged_for_nothing_goes_by_itself(batches: BatchStore, redis: Redis, held: Inspector) -> None:
    """The API died before the batch was taken on."""
    await batches._stage("b", items(2))  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  # the moment before
    names = await held.names(f"{keys.BATCH}b:*")

    assert len(names) == 2
    for name in names:
        assert 0 < await redis.ttl(name) <= 600
    await redis.flushall()


async def test_what_is_staged_has_its_end_from_the_start(
    batches: BatchStore, redis: Redis, redis_server: EmbeddedRedis
) -> None:
    """Each part is one transaction, so that no moment is left in which an API can die and leave a list for ever."""
    seen: list[str] = []
    with redis_py.Redis(port=redis_server.port, decode_responses=True).monitor() as monitor:
        await batches._stage("b", items(2))  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  # the moment before
        while seen.count("EXPIRE") < 2:
            sent: Any = monitor.next_command()
            seen.append(sent["command"].split()[0].upper())

    assert seen[-5:] == ["MULTI", "RPUSH", "RPUSH", "EXPIRE", "EXPIRE"]
    await redis.flushall()


async def test_a_batch_whose_jobs_are_gone_is_not_taken_on(
    batches: BatchStore, redis: Redis, held: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between staging them and accepting it, Redis was flushed."""
    staged = batches._stage  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  # the moment between

    async def then_lost(*args: object) -> None:
        await staged(*args)  # pyright: ignore[reportArgumentType]
        await redis.flushall()

    monkeypatch.setattr(batches, "_stage", then_lost)
    with pytest.raises(StoreUnavailable):
        await batches.create(items(2), user_id="ann")
    assert await held.names() == []


async def test_unknown_batches(batches: BatchStore) -> None:
    with pytest.raises(BatchNotFound):
        await batches.get("none")
    with pytest.raises(BatchNotFound):
        await batches.cancel("none")
    with pytest.raises(BatchNotFound):
        await anext(batches.outcomes("none"))


@pytest.mark.puts_aside
async def test_a_staged_job_that_cannot_be_read_fails_alone(
    batches: BatchStore, store: JobStore, held: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep makes the others, and the doctor can name the batch."""
    batch_id = await unmade(batches, store, 3, monkeypatch)
    client: Any = store.redis
    await client.lset(keys.batch(batch_id) + keys.PENDING, 1, "no JSON")

    await sweep(store)

    batch = await batches.get(batch_id)
    assert {state: count for state, count in batch.counts.items() if count} == {"queued": 2, "failed": 1}
    assert len(await held.messages(LANE)) == 2
    assert batch_id in await client.hkeys(keys.QUARANTINED)


async def test_a_cancel_that_was_cut_off_is_gone_on_with(
    batches: BatchStore, store: JobStore, held: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep cancels what the API did not come to, and tells the workers of those that run."""
    batch_id = await created(batches, 230)
    ids = await jobs_of(batches, batch_id)
    claim = await claimed(store, ids[-1])

    async def die(_job_id: str) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(batches, "_cancel", die)
        with pytest.raises(StoreUnavailable):
            await batches.cancel(batch_id)

    while (await sweep(store)).more:
        pass

    batch = await batches.get(batch_id)
    assert (batch.state, batch.counts["cancelled"]) == ("cancelled", 230)
    assert await held.messages(LANE) == [ids[-1]], "of the one that was claimed, past its message"
    assert await store.redis.exists(keys.signal(claim.lease.child))
    assert not await store.redis.exists(keys.CANCELLING)
