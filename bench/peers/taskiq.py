"""taskiq on the broker of taskiq-redis that acknowledges."""

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from taskiq_redis import RedisStreamBroker

from bench.task import Story, work_async

broker = RedisStreamBroker(os.environ["REDIS_URL"])


@broker.task
async def noop(story: Story) -> None:
    await work_async(story)


@asynccontextmanager
async def client() -> AsyncGenerator[Callable[[Story], object]]:
    await broker.startup()
    yield noop.kiq
    await broker.shutdown()
