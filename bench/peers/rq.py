import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from redis import Redis
from rq import Queue

from bench.task import Story, work


def noop(story: Story) -> None:
    work(story)


@asynccontextmanager
async def client() -> AsyncGenerator[Callable[[Story], object]]:
    queue = Queue(connection=Redis.from_url(os.environ["REDIS_URL"]))

    def submit(story: Story) -> None:
        queue.enqueue(noop, story)

    yield submit
