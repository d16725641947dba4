import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from docket import Docket

from bench.task import Story, work_async


async def noop(story: Story) -> None:
    await work_async(story)


tasks = [noop]


@asynccontextmanager
async def client() -> AsyncGenerator[Callable[[Story], object]]:
    async with Docket(name="bench", url=os.environ["REDIS_URL"]) as docket:
        docket.register(noop)

        async def submit(story: Story) -> None:
            await docket.add(noop)(story)

        yield submit
