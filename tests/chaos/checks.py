"""What every scenario asks: whether the job runs again, ends once, pays for nothing twice and leaves nothing behind."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

import redis

from jobs import keys
from jobs.queues import queue_names
from tests.support.platform import Platform
from tests.support.processes import Process, Worker
from tests.support.stopwatch import Stopwatch, Took
from tests.support.waiting import wait_until


def direct(platform: Platform) -> Any:  # noqa: ANN401  # redis-py types sync and async calls alike
    """A client of the platform's Redis, past the product."""
    return redis.Redis(port=platform.redis.port, decode_responses=True)


async def start_with(platform: Platform, spawn: Callable[[], Worker], *, workers: int = 1) -> list[Worker]:
    """Starts the platform with workers of another sort than its own."""
    await platform.start(workers=0)
    spawned = [spawn() for _ in range(workers)]
    for worker in spawned:
        await until_ready(worker)
    return spawned


async def until_ready(worker: Worker) -> None:
    await wait_until(worker.ready, within=20, what=f"the worker is ready: {worker.output()}")


async def until_running(platform: Platform, job_id: str, *, attempt: int = 1, within: float) -> Took:
    """Waits until that attempt has begun; returns how long that took."""
    watch = Stopwatch()

    async def runs() -> bool:
        events = await platform.events(job_id)
        return any(event["event"] == "running" and event["data"]["attempt"] == attempt for event in events)

    await wait_until(runs, within=within, what=f"attempt {attempt} of {job_id} runs")
    return watch.took


async def until_exit(process: Process, *, within: float) -> tuple[int, Took]:
    """Waits until it is gone; returns its exit code and how long that took."""
    watch = Stopwatch()
    await wait_until(lambda: process.exit_code is not None, within=within, what=f"the end of: {process.output()}")
    assert process.exit_code is not None
    return process.exit_code, watch.took


async def completed_once(
    platform: Platform, *job_ids: str, saved: Collection[str] = (), repeats: int = 0, within: float = 30
) -> None:
    """The jobs complete, once each; no `saved` step was paid again, and others at most `repeats` times, all in all."""
    extra = 0
    for job_id in job_ids:
        await platform.until_state(job_id, "completed", within=within)
        events = [event["event"] for event in await platform.events(job_id)]
        assert events.count("completed") == 1, events
        assert events[-1] == "completed", events
        calls = Counter(platform.ledger.steps(job_id))
        assert {step: count for step, count in calls.items() if step in saved and count > 1} == {}
        extra += calls.total() - len(calls)
    assert extra <= repeats, f"{extra} calls too many"


async def ran_once(platform: Platform, *job_ids: str, within: float = 30) -> None:
    """The jobs complete in one attempt each: nobody noticed anything."""
    await completed_once(platform, *job_ids, within=within)
    for job_id in job_ids:
        events = [event["event"] for event in await platform.events(job_id)]
        assert events.count("running") == 1, events


def nothing_left(platform: Platform) -> None:
    """No lease, queued job or message remains."""
    with direct(platform) as client:
        lanes = [queue + suffix for queue in queue_names() for suffix in ("", "\x06\x163", "\x06\x166", "\x06\x169")]
        left = [client.zcard(keys.LEASES), client.zcard(keys.SCHEDULED), client.hlen("unacked")]
        left += [client.llen(lane) for lane in lanes]
        left += [client.zcard(keys.queue(name, part)) for name in queue_names() for part in (keys.WAITING, keys.ORDER)]
    assert not any(left), left


@asynccontextmanager
async def supervised(spawn: Callable[[], Worker]) -> AsyncGenerator[list[Worker]]:
    """Starts a new worker whenever the last one has ended, as a platform does. Gives all of them, the latest last."""
    workers = [spawn()]

    async def supervise() -> None:
        while True:
            if workers[-1].exit_code is not None:
                workers.append(spawn())
            await asyncio.sleep(0.1)  # poll

    await until_ready(workers[0])
    watching = asyncio.create_task(supervise())
    try:
        yield workers
    finally:
        watching.cancel()
