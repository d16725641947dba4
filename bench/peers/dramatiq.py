import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.task import Story, work

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))


@dramatiq.actor
def noop(story: Story) -> None:
    work(story)


@asynccontextmanager
async def client() -> AsyncGenerator[Callable[[Story], object]]:
    yield noop.send
