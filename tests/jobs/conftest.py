"""What the tests of the job store share, and what holds after every one of them."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import redis as redis_py
from pydantic import SecretStr
from redis.asyncio import Redis

from cli.embedded_redis import EmbeddedRedis
from jobs.connection import connect
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.fault_proxy import FaultProxy
from tests.support.inspector import Inspector
from tests.support.known_keys import endless_keys, unknown_keys


@pytest.fixture(autouse=True)
def _no_key_leaks(redis_server: EmbeddedRedis) -> Iterator[None]:
    """No test leaves a key that nobody knows, or one of a finished job that would stay for ever."""
    yield
    with redis_py.Redis(port=redis_server.port) as client:
        assert unknown_keys(client) == []
        assert endless_keys(client) == []


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    """A client beside the store's, which may also wait."""
    client = connect(settings, name="beside", reply_within=timedelta(seconds=5))
    yield client
    await client.aclose()


@pytest.fixture
def held(store: JobStore) -> Inspector:
    return Inspector(store.redis)


@pytest.fixture
async def without_workers(settings: Settings) -> AsyncIterator[JobStore]:
    """A store that releases a job for each idle worker that has reported; there is none."""
    strict = settings.model_copy(update={"release_window": None})
    store = JobStore.open(strict, name="strict", patience=timedelta(seconds=5))
    yield store
    await store.aclose()


@dataclass(frozen=True)
class Lossy:
    """A store whose replies can be lost: what it asks for is then done, and asked for again."""

    store: JobStore
    proxy: FaultProxy


@pytest.fixture
async def lossy(redis_server: EmbeddedRedis, settings: Settings) -> AsyncIterator[Lossy]:
    proxy = FaultProxy(redis_server.port)
    proxy.start()
    through = settings.model_copy(update={"redis_url": SecretStr(proxy.url)})
    store = JobStore.open(through, name="lossy", patience=timedelta(seconds=5))
    await store.redis.time()  # opens the connection that can be lost
    yield Lossy(store, proxy)
    await store.aclose()
    proxy.stop()
