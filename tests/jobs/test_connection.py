"""jobs/connection.py: whatever is wrong with Redis is StoreUnavailable, in time, and passes when Redis is back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cli.embedded_redis import EmbeddedRedis
from jobs import keys
from jobs.calls import CallDesk
from jobs.errors import StoreUnavailable
from jobs.event_hub import EventHub
from jobs.events import EventLog
from jobs.leases import Lease
from jobs.listing import Filter, JobList
from jobs.model import Progress, UsageItem
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import BROKEN, LANE, claim_again, claimed, planned, queued, running, story, under_key
from tests.support.ports import free_port
from tests.support.stopwatch import Stopwatch
from tests.support.time_travel import end_lease

PATIENCE = timedelta(milliseconds=400)
SLACK = 0.6
"""Seconds that a busy machine may add."""

Call = Callable[[JobStore, Lease], Awaitable[object]]
READS: dict[str, Call] = {
    "get": lambda store, lease: store.get(lease.job_id),
    "lease_of": lambda store, lease: store.lease_of(lease.job_id, token="t"),  # noqa: S106  # no secret
    "history": lambda store, lease: _log(store).history(lease.job_id),
    "follow": lambda store, lease: _followed(store, lease.job_id),
    "page": lambda store, _: JobList(store.redis, store.scripts, patience=PATIENCE).page(Filter()),
}
WRITES: dict[str, Call] = {
    "create": lambda store, _: store.create(story(), under_key("k1")),
    "claim": lambda store, lease: claim_again(store, lease.job_id),
    "renew": lambda store, lease: store.renew(lease),
    "progress": lambda store, lease: store.progress(lease, Progress(detail="half")),
    "save_step": lambda store, lease: store.save_step(lease, "outline", "1"),
    "complete": lambda store, lease: store.complete(lease, result={}),
    "fail": lambda store, lease: store.fail(lease, BROKEN),
    "retry_later": lambda store, lease: store.retry_later(lease, BROKEN, wait=timedelta(hours=1)),
    "hand_back": lambda store, lease: store.hand_back(lease),
    "lose": lambda store, lease: store.lose(lease),
    "cancel": lambda store, lease: store.cancel(lease.job_id),
    "sweep": lambda store, _: store.sweep(),
    "admit": lambda store, lease: _desk(store).admit(lease, planned()),
}
REFUSED_WHEN_FULL = {name: call for name, call in WRITES.items() if name != "complete"}


def _log(store: JobStore) -> EventLog:
    return EventLog(store.redis, patience=PATIENCE)


async def _followed(store: JobStore, job_id: str) -> object:
    hub = EventHub(store.redis.connection_pool, keep_alive=timedelta(milliseconds=50), limit=1)
    try:
        return await anext(_log(store).follow(job_id, hub))
    finally:
        await hub.aclose()


def _desk(store: JobStore) -> CallDesk:
    return CallDesk(store, Settings())


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A server with an append-only file, to be stopped, frozen and filled up."""
    server = EmbeddedRedis(tmp_path / "own-redis", port=free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def store(own_redis: EmbeddedRedis) -> AsyncIterator[JobStore]:
    settings = Settings(redis_url=SecretStr(own_redis.url), release_window=1000)
    store = JobStore.open(settings, name="tests", patience=PATIENCE)
    yield store
    await store.aclose()


async def _unavailable(call: Awaitable[object]) -> None:
    watch = Stopwatch()
    with pytest.raises(StoreUnavailable):
        await call
    assert watch.took.net < PATIENCE.total_seconds() + SLACK


async def _all_unavailable(store: JobStore, lease: Lease, calls: dict[str, Call]) -> None:
    for call in calls.values():
        await _unavailable(call(store, lease))


# -- Away --------------------------------------------------------------------------------------------------------------


async def test_a_redis_that_is_stopped_is_unavailable_to_every_call(own_redis: EmbeddedRedis, store: JobStore) -> None:
    claim = await running(store)

    own_redis.stop()

    await _all_unavailable(store, claim.lease, READS | WRITES)


async def test_a_store_opened_while_redis_is_away_works_once_it_is_there(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "late-redis", port=free_port())
    store = JobStore.open(Settings(redis_url=SecretStr(server.url)), name="tests", patience=PATIENCE)
    await _unavailable(store.create(story()))

    server.start()
    job_id = await queued(store)

    assert (await store.get(job_id)).state == "queued"
    await store.aclose()
    server.stop()


@pytest.mark.parametrize("end", [EmbeddedRedis.stop, EmbeddedRedis.kill])
async def test_after_a_restart_the_same_store_has_the_same_jobs(
    own_redis: EmbeddedRedis, store: JobStore, end: Callable[[EmbeddedRedis], None]
) -> None:
    """And its scripts, which a server forgets."""
    claim = await running(store)
    waiting = await queued(store)

    end(own_redis)
    own_redis.start()

    await store.complete(claim.lease, result={"title": "The Fox"})
    assert (await store.get(claim.lease.job_id)).result == {"title": "The Fox"}
    assert (await claimed(store, waiting)).job.attempt == 1


# -- Silent ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def freeze(own_redis: EmbeddedRedis) -> AsyncIterator[Callable[[], None]]:
    """Stops the server in its tracks: connections stay open, and nothing is answered."""
    assert own_redis.pid
    pid = own_redis.pid
    yield lambda: os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGCONT)


async def test_a_redis_that_is_silent_is_unavailable_in_time(store: JobStore, freeze: Callable[[], None]) -> None:
    claim = await running(store)

    freeze()

    async with asyncio.TaskGroup() as group:
        for call in (READS | WRITES).values():
            group.create_task(_unavailable(call(store, claim.lease)))


async def test_a_silent_redis_is_unavailable_to_new_connections(
    own_redis: EmbeddedRedis, freeze: Callable[[], None]
) -> None:
    store = JobStore.open(Settings(redis_url=SecretStr(own_redis.url)), name="tests", patience=PATIENCE)

    freeze()

    await _unavailable(store.create(story()))
    await store.aclose()


async def test_answers_that_come_too_late_go_to_nobody_else(
    own_redis: EmbeddedRedis, store: JobStore, freeze: Callable[[], None]
) -> None:
    """A reply given up on must not be read as the next command's."""
    jobs = [await queued(store, story(title=f"Book {number}")) for number in range(5)]
    freeze()
    async with asyncio.TaskGroup() as group:
        for job_id in jobs:
            group.create_task(_unavailable(store.get(job_id)))

    assert own_redis.pid
    os.kill(own_redis.pid, signal.SIGCONT)

    titles = [(await store.get(job_id)).input["title"] for job_id in jobs]
    assert titles == [f"Book {number}" for number in range(5)]


# -- Read-only ---------------------------------------------------------------------------------------------------------


async def test_a_read_only_redis_takes_no_writes_and_answers_reads(store: JobStore) -> None:
    """As after a failover, on the side that lost."""
    claim = await running(store)
    client: Any = store.redis

    await client.replicaof("127.0.0.1", free_port())

    await _all_unavailable(store, claim.lease, WRITES)
    for read in READS.values():
        await read(store, claim.lease)
    await client.replicaof("no", "one")
    await store.complete(claim.lease, result={})


# -- Full --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def fill(store: JobStore) -> Callable[[], Awaitable[None]]:
    async def fill_up() -> None:
        client: Any = store.redis
        await client.set("ballast", "x" * 2**20)
        await client.config_set("maxmemory", "1mb")

    return fill_up


async def test_a_full_redis_takes_no_writes_and_answers_reads(
    store: JobStore, fill: Callable[[], Awaitable[None]]
) -> None:
    claim = await running(store)

    await fill()

    await _all_unavailable(store, claim.lease, REFUSED_WHEN_FULL)
    for read in READS.values():
        await read(store, claim.lease)


async def test_nothing_is_half_stored_on_a_full_redis(store: JobStore, fill: Callable[[], Awaitable[None]]) -> None:
    """Neither by the calls of a worker on a second attempt, nor of a client, nor by a sweep with work to do."""
    held = Inspector(store.redis)
    first = await running(store)
    await store.retry_later(first.lease, BROKEN, wait=timedelta(0))
    await store.sweep()
    claim = await claimed(store, first.lease.job_id)
    await store.save_step(claim.lease, "outline", "1")
    await end_lease(store.redis, claim.lease.job_id)
    await store.redis.delete(keys.SWEPT)
    await fill()
    before = await _all_that_is_stored(store, held)

    await _all_unavailable(store, claim.lease, REFUSED_WHEN_FULL)

    assert await _all_that_is_stored(store, held) == before


async def test_a_full_redis_takes_what_a_call_cost(store: JobStore, fill: Callable[[], Awaitable[None]]) -> None:
    """It was paid for as well."""
    claim = await running(store)
    await _desk(store).admit(claim.lease, planned())
    used = UsageItem(provider="openai", model="gpt-5.4-mini", input_tokens=9, calls=1, cost=0.01)
    await fill()

    assert await _desk(store).settle(claim.lease, planned(), [used])

    assert (await store.get(claim.lease.job_id)).usage == [used]


async def test_a_full_redis_takes_the_result_of_a_job_whole(
    store: JobStore, fill: Callable[[], Awaitable[None]]
) -> None:
    """It was paid for. Redis stops a script at its first write or not at all, and finish.lua's first frees memory."""
    claim = await running(store)
    await fill()

    await store.complete(claim.lease, result={"title": "The Fox"})

    held = Inspector(store.redis)
    assert (await store.get(claim.lease.job_id)).result == {"title": "The Fox"}
    assert await held.events(claim.lease.job_id) == ["queued", "running", "completed"]
    assert await held.seconds_left(keys.job(claim.lease.job_id)) > 0


async def test_after_space_is_made_the_same_calls_go_on(store: JobStore, fill: Callable[[], Awaitable[None]]) -> None:
    held = Inspector(store.redis)
    await fill()
    await _unavailable(store.create(story(), under_key("k1")))
    assert await held.messages(LANE) == []

    await store.redis.delete("ballast")
    await store.redis.config_set("maxmemory", "0")

    created = await store.create(story(), under_key("k1"))
    assert not created.replayed
    assert await held.messages(LANE) == [created.job_id]


async def _all_that_is_stored(store: JobStore, held: Inspector) -> dict[str, object]:
    client: Any = store.redis
    readers: dict[str, Callable[[str], Awaitable[object]]] = {
        "hash": client.hgetall,
        "list": lambda name: client.lrange(name, 0, -1),
        "set": client.smembers,
        "stream": client.xrange,
        "string": client.get,
        "zset": lambda name: client.zrange(name, 0, -1, withscores=True),
    }
    return {name: await readers[await client.type(name)](name) for name in await held.names()}
