"""The real worker, but a story takes as many milliseconds as its seed says, and nothing is made.

celery -A tests.support.quick_stories worker
"""

import asyncio

import tasks.engine.worker
from headrace import JobContext
from headrace.errors import Rejected, Unavailable
from jobs.settings import Settings
from kinds.story import StoryInput, StoryResult, pipeline
from tests.support.quick_worker import FAILS, TRIES_AGAIN


async def _make(_: JobContext, story: StoryInput) -> StoryResult:
    await asyncio.sleep((story.seed or 0) / 1000)
    if story.title == FAILS:
        raise Rejected("No such story.")
    if story.title == TRIES_AGAIN:
        raise Unavailable("Not now.")
    return StoryResult.model_construct()


setattr(pipeline, "make", _make)  # noqa: B010  # a declared function, for a type checker
app = tasks.engine.worker.create_worker(Settings())
