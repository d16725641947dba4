"""The real worker, but a story is the task of `bench.task`, or as many provider calls as it is told to make.

celery -A bench.headrace.worker worker
"""

import asyncio
import random

from pydantic import BaseModel

import tasks.worker
from bench import task
from bench.headrace.titles import CALLS
from jobs.kinds.story import StoryInput
from jobs.settings import Settings
from tasks.pipelines import story as stories
from tasks.run import Run
from tasks.steps import Step


class Nothing(BaseModel):
    """What comes of it."""


async def _no_story(run: Run, story: StoryInput) -> Nothing:
    if story.title.startswith(CALLS):
        await run.map("call", range(int(story.title.removeprefix(CALLS))), _call, float)
        return Nothing()
    asked = task.Story(title=story.title, prompt=story.prompt, user_id="", pages=story.pages, seed=story.seed)
    await task.work_async(asked)
    return Nothing()


async def _call(_: Step, number: int) -> float:
    seconds = random.uniform(2, 3)  # noqa: S311  # an answer time
    task.note("start", str(number))
    await asyncio.sleep(seconds)
    task.note("end", str(number))
    return seconds


setattr(stories, "run", _no_story)  # noqa: B010  # a declared function, for a type checker
app = tasks.worker.create_worker(Settings())
