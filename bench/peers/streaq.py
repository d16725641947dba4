import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from streaq import Worker

from bench.task import Story, work_async

worker = Worker(redis_url=os.environ["REDIS_URL"])


@worker.task
async def noop(story: Story) -> None:
    await work_async(story)


@asynccontextmanager
async def client() -> AsyncGenerator[Callable[[Story], object]]:
    async def submit(story: Story) -> None:
        await noop.enqueue(story)

    async with worker:
        yield submit
