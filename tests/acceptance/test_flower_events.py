"""What Celery's monitors, such as Flower, hear of a job."""

import asyncio
import time
from typing import Any

from pydantic import SecretStr

from jobs.celery_app import create_celery
from jobs.settings import Settings
from tests.support.platform import Platform
from tests.support.stopwatch import Stopwatch

TOLD = ("task-received", "task-started", "task-succeeded")


async def test_monitors_are_told_of_a_job_while_it_runs_and_when_it_has_ended(platform: Platform) -> None:
    """Though the worker lets its events wait a moment."""
    app = create_celery(Settings(redis_url=SecretStr(platform.redis.url)))
    heard: list[tuple[str, float]] = []
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()

    def listens(*_: Any, **__: Any) -> None:  # noqa: ANN401  # kombu's
        loop.call_soon_threadsafe(ready.set)

    def listen(job_id: str) -> None:
        def hear(event: dict[str, Any]) -> None:
            if event.get("uuid") == job_id:
                heard.append((event["type"], time.time()))
            receiver.should_stop = event["type"] == TOLD[-1]

        with app.connection_for_read() as connection:
            receiver: Any = app.events.Receiver(connection, handlers={"*": hear})
            receiver.on_consume_ready = listens
            receiver.capture(limit=None, timeout=120, wakeup=False)

    await platform.start(workers=0)
    job_id = await platform.post_story(pages=4)
    listening = asyncio.create_task(asyncio.to_thread(listen, job_id))
    await ready.wait()
    platform.spawn_worker()
    await platform.until_state(job_id, "completed", within=30)
    ended, since = time.time(), Stopwatch()
    await asyncio.wait_for(listening, 120)
    starved = since.took.seconds - since.took.net
    assert [told for told, _ in heard] == list(TOLD)
    assert heard[1][1] < ended
    assert heard[2][1] < ended + 1 + starved
