"""The task that every system runs: it notes when it starts and ends, in a file, and sleeps in between if told to.

A file, not Redis: the same cost for all, no load on what is measured, and it survives whoever is killed. Runs in the
peers' environments too, so it needs the standard library alone.
"""

import asyncio
import os
import time
from typing import TypedDict

NOTES = "BENCH_NOTES"
"""The environment variable that names the file."""


class Story(TypedDict):
    """The body that every system is given, as the README's first request has it."""

    title: str
    """Which one it is."""
    prompt: str
    user_id: str
    pages: int
    seed: int
    """How long the task takes, ms."""


def story(title: str, milliseconds: int = 0) -> Story:
    return Story(
        title=title,
        prompt="A magical adventure",
        user_id="9a0a594c-2699-400b-89e0-4a4ef78ced97",
        pages=6,
        seed=milliseconds,
    )


def work(story: Story) -> None:
    note("start", story["title"])
    if story["seed"]:
        time.sleep(story["seed"] / 1000)
    note("end", story["title"])


async def work_async(story: Story) -> None:
    note("start", story["title"])
    if story["seed"]:
        await asyncio.sleep(story["seed"] / 1000)
    note("end", story["title"])


def note(event: str, title: str) -> None:
    """What, of which story, by which process of which session, and when.

    One short write to a file opened for appending is whole, whoever else writes.
    """
    os.write(_file(), f"{event} {title} {os.getpid()} {os.getsid(0)} {time.time()}\n".encode())


_opened: dict[int, int] = {}


def _file() -> int:
    """A descriptor for each process, also after a fork."""
    pid = os.getpid()
    if pid not in _opened:
        _opened[pid] = os.open(os.environ[NOTES], os.O_WRONLY | os.O_APPEND)
    return _opened[pid]
