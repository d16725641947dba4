import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings

from bench.task import Story, work_async

SETTINGS = RedisSettings.from_dsn(os.environ["REDIS_URL"])


async def noop(_: dict[str, Any], story: Story) -> None:
    await work_async(story)


class WorkerSettings:
    functions = (noop,)
    redis_settings = SETTINGS


@asynccontextmanager
async def client() -> AsyncGenerator[Callable[[Story], object]]:
    pool = await create_pool(SETTINGS)

    async def submit(story: Story) -> None:
        await pool.enqueue_job("noop", story)

    yield submit
    await pool.aclose()
