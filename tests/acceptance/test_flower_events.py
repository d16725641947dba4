"""What Celery's monitors, such as Flower, hear of jobs."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from celery.events.state import State as Monitor
from pydantic import SecretStr

from jobs.celery_app import create_celery
from jobs.settings import Settings
from tests.support.platform import NewPlatform, Platform
from tests.support.quick_worker import FAILS, TRIES_AGAIN, QuickWorker
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until

BEGUN = {"task-received", "task-started"}


class Listener:
    """A monitor: `heard` has the events of each task, with the times at which they first came.

    What the parent says of a message may come after what its child says of the job.
    """

    def __init__(self) -> None:
        self.heard: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self.monitor: Any = Monitor()

    def hear(self, event: dict[str, Any]) -> None:
        self.monitor.event(event)
        if "uuid" in event:
            self.heard[event["uuid"]].setdefault(event["type"], time.time())

    def state_of(self, job_id: str) -> str | None:
        """What a monitor shows."""
        task = self.monitor.tasks.get(job_id)
        return task.state if task else None


@asynccontextmanager
async def listening(platform: Platform) -> AsyncGenerator[Listener]:
    app = create_celery(Settings(redis_url=SecretStr(platform.redis.url)))
    ready, listener = asyncio.Event(), Listener()
    loop = asyncio.get_running_loop()
    ended = False

    def listens(*_: Any, **__: Any) -> None:  # noqa: ANN401  # kombu's
        loop.call_soon_threadsafe(ready.set)

    def listen() -> None:
        with app.connection_for_read() as connection:
            receiver: Any = app.events.Receiver(connection, handlers={"*": listener.hear})
            receiver.on_consume_ready = listens
            while not ended:
                try:
                    receiver.capture(limit=None, timeout=1, wakeup=False)
                except TimeoutError:
                    continue

    task = asyncio.create_task(asyncio.to_thread(listen))
    await ready.wait()
    try:
        yield listener
    finally:
        ended = True
        await task


async def test_monitors_are_told_of_a_job_while_it_runs_and_when_it_has_ended(platform: Platform) -> None:
    """Though the worker lets its events wait a moment."""
    await platform.start(workers=0)
    job_id = await platform.post_story(pages=4)
    async with listening(platform) as listener:
        platform.spawn_worker()
        await platform.until_state(job_id, "completed", within=30)
        ended, since = time.time(), Stopwatch()
        await wait_until(lambda: len(listener.heard[job_id]) == 3, within=60, what="all is told")
    starved = since.took.seconds - since.took.net
    assert listener.heard[job_id].keys() == BEGUN | {"task-succeeded"}
    assert listener.heard[job_id]["task-started"] < ended
    assert listener.heard[job_id]["task-succeeded"] < ended + 1 + starved


async def test_monitors_are_told_the_truth_of_every_job_of_a_chain(new_platform: NewPlatform) -> None:
    platform = new_platform()
    await platform.start(workers=0)
    quick = [await platform.post_story(seed=0) for _ in range(20)]
    failing = await platform.post_story(title=FAILS, seed=0)
    more = [await platform.post_story(seed=0) for _ in range(20)]
    again = await platform.post_story(title=TRIES_AGAIN, seed=0)
    cancelled = await platform.post_story(seed=60_000)
    async with listening(platform) as listener:
        worker = QuickWorker(environment=platform.environment, log=platform.folder / "worker-0.log")
        platform.processes.append(worker)
        await platform.until_state(cancelled, "running", within=60)
        await platform.client.post(f"/jobs/{cancelled}/cancel")
        told = [*quick, failing, *more, again, cancelled]
        await wait_until(
            lambda: all(listener.heard[job_id].keys() > BEGUN for job_id in told), within=30, what="all is told"
        )
        assert {listener.state_of(job_id) for job_id in (*quick, *more)} == {"SUCCESS"}
        assert listener.state_of(failing) == "FAILURE"
        assert "task-retried" in listener.heard[again]
        assert listener.state_of(cancelled) == "REVOKED"
        tasks = {job_id: listener.monitor.tasks[job_id] for job_id in told}
        assert {task.name for task in tasks.values()} == {"story"}
        assert tasks[failing].exception == "content_rejected: No such story."
        assert "Not now." in tasks[again].exception
