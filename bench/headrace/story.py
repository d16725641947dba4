"""In place of the story's pipeline: the task of `bench.task`, or as many provider calls as it is told to make."""

import asyncio
import random

from bench import task
from bench.headrace.titles import CALLS
from headrace import JobContext, Step
from kinds.story import StoryInput, StoryResult

NOTHING = StoryResult.model_construct()
"""What comes of it: a story without any of its parts, which costs nothing to write."""


async def make(job: JobContext, story: StoryInput) -> StoryResult:
    if story.title.startswith(CALLS):
        await job.map("call", range(int(story.title.removeprefix(CALLS))), _call, float)
        return NOTHING
    asked = task.Story(title=story.title, prompt=story.prompt, user_id="", pages=story.pages, seed=story.seed)
    await task.work_async(asked)
    return NOTHING


async def _call(_: Step, number: int) -> float:
    seconds = random.uniform(2, 3)  # noqa: S311  # an answer time
    task.note("start", str(number))
    await asyncio.sleep(seconds)
    task.note("end", str(number))
    return seconds
