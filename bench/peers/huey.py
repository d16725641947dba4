import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from huey import RedisHuey

from bench.task import Story, work

huey = RedisHuey("bench", url=os.environ["REDIS_URL"])


@huey.task()
def noop(story: Story) -> None:
    work(story)


@asynccontextmanager
async def client() -> AsyncGenerator[Callable[[Story], object]]:
    yield noop
