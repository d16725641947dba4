"""Submits stories through the job store."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from bench.task import Story
from jobs import kinds
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.store import JobStore


@asynccontextmanager
async def client() -> AsyncGenerator[Callable[[Story], object]]:
    store = JobStore.open(Settings(), name="bench", patience=timedelta(seconds=10))
    kind = kinds.get("story")

    async def submit(story: Story) -> None:
        asked = {field: story[field] for field in ("title", "prompt", "pages", "seed")}
        await store.create(NewJob(kind, asked, user_id=story["user_id"]))

    yield submit
    await store.aclose()
