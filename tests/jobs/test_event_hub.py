"""jobs/event_hub.py: who follows a stream hears of its news, whatever happens to the connection."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from cli.embedded_redis import EmbeddedRedis
from jobs.connection import connect
from jobs.errors import TooManyStreams
from jobs.event_hub import EventHub
from jobs.events import EventLog
from jobs.model import Progress
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.fault_proxy import FaultProxy
from tests.support.jobs_at_hand import running
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

LONG = timedelta(seconds=60)


@pytest.fixture
def proxy(redis_server: EmbeddedRedis) -> Iterator[FaultProxy]:
    """What the hub's connection goes through; nothing else does."""
    proxy = FaultProxy(redis_server.port)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
async def through(settings: Settings, proxy: FaultProxy) -> AsyncIterator[Redis]:
    by_proxy = settings.model_copy(update={"redis_url": SecretStr(proxy.url)})
    client = connect(by_proxy, name="hub", reply_within=timedelta(seconds=2))
    yield client
    await client.aclose()


@pytest.fixture
async def hub(through: Redis) -> AsyncIterator[EventHub]:
    """One whose followers would wait a minute if it told them nothing."""
    hub = EventHub(through.connection_pool, keep_alive=LONG, limit=20)
    yield hub
    await hub.aclose()


@pytest.fixture
def log(store: JobStore) -> EventLog:
    return EventLog(store.redis, patience=timedelta(seconds=2))


async def subscribed(store: JobStore, count: int) -> None:
    """Waits until the hub is subscribed to so many streams."""

    async def are() -> bool:
        return len(await store.redis.pubsub_channels("hr:*")) == count

    await wait_until(are, within=5, what=f"{count} subscriptions")


class Follower:
    """Follows a job in a task of its own, and notes what it hears."""

    def __init__(self, log: EventLog, hub: EventHub, job_id: str) -> None:
        self.heard: list[int] = []
        self.silences = 0
        self._task = asyncio.create_task(self._follow(log, hub, job_id))

    async def _follow(self, log: EventLog, hub: EventHub, job_id: str) -> None:
        async for event in log.follow(job_id, hub):
            if event is None:
                self.silences += 1
            else:
                self.heard.append(event.sequence)

    async def has(self, *numbers: int) -> None:
        await wait_until(lambda: self.heard == [*numbers], within=10, what=f"events {numbers}, not {self.heard}")

    async def end(self) -> None:
        async with asyncio.timeout(5):
            await self._task


async def test_events_during_an_outage_of_the_hub_are_heard_once_each(
    store: JobStore, hub: EventHub, log: EventLog, proxy: FaultProxy
) -> None:
    claim = await running(store)
    follower = Follower(log, hub, claim.lease.job_id)
    await follower.has(1, 2)
    for number in range(3):
        await store.progress(claim.lease, Progress(detail=f"{number}, heard at once"))
        await follower.has(*range(1, 4 + 2 * number))
        proxy.refuse()
        proxy.reset()
        await store.progress(claim.lease, Progress(detail=f"{number}, missed"))
        proxy.heal()
        await follower.has(*range(1, 5 + 2 * number))
    await store.complete(claim.lease, result={})
    await follower.end()
    assert follower.heard == list(range(1, 10))


async def test_a_hub_that_hears_nothing_is_not_relied_on(
    store: JobStore, through: Redis, log: EventLog, proxy: FaultProxy
) -> None:
    """Its connection is dead and does not know it: each follower looks for itself, every `keep_alive`."""
    hub = EventHub(through.connection_pool, keep_alive=timedelta(milliseconds=100), limit=1)
    claim = await running(store)
    follower = Follower(log, hub, claim.lease.job_id)
    await subscribed(store, 1)
    proxy.blackhole()
    await store.complete(claim.lease, result={})
    await follower.has(1, 2, 3)
    await follower.end()
    await hub.aclose()


async def test_each_job_is_subscribed_to_as_long_as_it_is_followed(
    store: JobStore, hub: EventHub, log: EventLog
) -> None:
    claims = [await running(store) for _ in range(3)]
    followers = [Follower(log, hub, claim.lease.job_id) for claim in claims for _ in range(2)]

    for left in (3, 2, 1, 0):
        await subscribed(store, left)
        if left:
            await store.complete(claims[left - 1].lease, result={})
    for follower in followers:
        await follower.end()
        assert follower.heard == [1, 2, 3]


async def test_who_follows_again_is_subscribed_again(store: JobStore, hub: EventHub, log: EventLog) -> None:
    """Also when it comes back while the subscription is being ended."""
    claim = await running(store)
    for _ in range(50):
        followed = log.follow(claim.lease.job_id, hub)
        await anext(followed)
        await followed.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # a generator
    follower = Follower(log, hub, claim.lease.job_id)
    await follower.has(1, 2)
    await subscribed(store, 1)
    await store.complete(claim.lease, result={})
    await follower.end()


async def test_a_closed_hub_ends_all_who_follow(store: JobStore, hub: EventHub, log: EventLog) -> None:
    claim = await running(store)
    followers = [Follower(log, hub, claim.lease.job_id) for _ in range(3)]
    for follower in followers:
        await follower.has(1, 2)
    hub.close()
    for follower in followers:
        await follower.end()
    late = Follower(log, hub, claim.lease.job_id)
    await late.end()
    assert late.heard == [1, 2]


async def test_a_full_hub_takes_nobody_else(hub: EventHub) -> None:
    streams = [hub.watch("a stream") for _ in range(20)]
    for stream in streams:
        stream.__enter__()
    with pytest.raises(TooManyStreams), hub.watch("another"):
        pass
    streams[0].__exit__(None, None, None)
    with hub.watch("another"):
        pass
    for stream in streams[1:]:
        stream.__exit__(None, None, None)
