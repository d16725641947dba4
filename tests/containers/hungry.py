"""The real worker, but a story may take memory until the kernel ends its process. Mounted into the worker's image.

celery -A hungry worker
"""

from pathlib import Path

import hungry_titles as titles

from headrace import JobContext
from jobs.settings import Settings
from kinds.story import StoryInput, StoryResult
from kinds.story import pipeline as stories
from tasks.engine.worker import create_worker

_tell_story = stories.make


async def _eat(job: JobContext, story: StoryInput) -> StoryResult:
    if story.title == titles.ALWAYS or (story.title == titles.ONCE and _first_time()):
        _take_memory()
    return await _tell_story(job, story)


def _first_time() -> bool:
    try:
        Path("/data/eaten").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _take_memory() -> None:
    taken: list[bytearray] = []
    while True:
        taken.append(bytearray(b"\1" * 8_000_000))


setattr(stories, "make", _eat)  # noqa: B010  # a declared function, for a type checker
app = create_worker(Settings())
