"""The real worker, but some stories go wrong as their titles say, and it has settings that the product leaves alone.

celery -A tests.chaos.misbehaving worker

    CHAOS_TIME_LIMIT, CHAOS_HARD_MARGIN   seconds, in place of a story's hour and the minute after it
    CHAOS_SOCKET_TIMEOUT                  seconds, in place of the broker's 30
    CHAOS_RECONNECTS                      in place of the broker's 32
    CHAOS_CLOCK_AHEAD                     seconds that this process's clock is ahead
"""

import asyncio
import os
import signal
import time
from datetime import timedelta
from typing import Any

import tasks.engine.worker
from headrace import JobContext
from jobs import kinds
from jobs.settings import Settings
from kinds.story import StoryInput, StoryResult
from kinds.story import pipeline as stories
from tests.chaos import misbehaving_titles as titles

_tell_story = stories.make


async def _misbehave(job: JobContext, story: StoryInput) -> StoryResult:
    match story.title:
        case titles.DIES:
            os.kill(os.getpid(), signal.SIGSEGV)
        case titles.BLOCKS:
            time.sleep(600)  # noqa: ASYNC251  # the fault
        case titles.GOES_ON:
            await _go_on()
        case titles.WAITS:
            await asyncio.Event().wait()
        case _:
            pass
    return await _tell_story(job, story)


async def _go_on() -> None:
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


def _seconds(name: str) -> float | None:
    value = os.environ.get(name)
    return float(value) if value else None


def _create() -> Any:  # noqa: ANN401  # a Celery app
    setattr(stories, "make", _misbehave)  # noqa: B010  # a declared function, for a type checker
    if (limit := _seconds("CHAOS_TIME_LIMIT")) is not None:
        object.__setattr__(kinds.get("story"), "time_limit", timedelta(seconds=limit))  # frozen
    if (margin := _seconds("CHAOS_HARD_MARGIN")) is not None:
        tasks.engine.worker.HARD_LIMIT_MARGIN = timedelta(seconds=margin)
    if (ahead := _seconds("CHAOS_CLOCK_AHEAD")) is not None:
        right = time.time
        time.time = lambda: right() + ahead
    app = tasks.engine.worker.create_worker(Settings())
    if (timeout := _seconds("CHAOS_SOCKET_TIMEOUT")) is not None:
        app.conf.broker_transport_options = {**app.conf.broker_transport_options, "socket_timeout": timeout}
    if (reconnects := _seconds("CHAOS_RECONNECTS")) is not None:
        app.conf.broker_connection_max_retries = int(reconnects)
    return app


app = _create()
