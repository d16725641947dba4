"""In place of the story's pipeline: the task of `bench.task`, or as many provider calls as it is told to make."""

import asyncio
import random

from pydantic import BaseModel

from bench import task
from bench.headrace.titles import CALLS
from headrace.context import Run
from headrace.step import Step
from kinds.story import StoryInput


class Nothing(BaseModel):
    """What comes of it."""


async def run(run: Run, story: StoryInput) -> Nothing:
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
