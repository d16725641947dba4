"""A task may take two minutes here; saq's default is 10 s, less than the tasks whose worker is killed."""

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from saq import Queue

from bench.task import Story, work_async

queue = Queue.from_url(os.environ["REDIS_URL"])


async def noop(_: dict[str, Any], *, story: Story) -> None:
    await work_async(story)


settings = {"queue": queue, "functions": [noop]}


@asynccontextmanager
async def client() -> AsyncGenerator[Callable[[Story], object]]:
    await queue.connect()

    async def submit(story: Story) -> None:
        await queue.enqueue("noop", story=story, timeout=120)

    yield submit
    await queue.disconnect()
