"""The faults, each a function that puts one to plain Celery and says what came of it."""

import asyncio
import os
import signal

from tests.chaos.plain.stage import LIMIT, Stage
from tests.support.fault_proxy import FaultProxy

LONG = 20.0
"""Seconds that a job takes: longer than the grace of a stop."""
GRACE = 10.0


async def _again(stage: Stage) -> str:
    """What becomes of a job that was running, with an idle worker at hand."""
    took = await stage.seconds_until(lambda: stage.count("start") >= 2)
    if took is not None:
        return f"runs again after {took:.1f} s"
    held = "its message is still held as unacknowledged" if stage.client.hlen("unacked") else "lost: no message is left"
    return f"not within {LIMIT:.0f} s; {held}"


async def worker_killed(stage: Stage) -> str:
    """SIGKILL of the worker in mid-job."""
    worker = await stage.worker()
    await stage.post(LONG)
    await stage.until_started()
    worker.signal_all(signal.SIGKILL)
    await stage.worker()
    return await _again(stage)


async def worker_stopped(stage: Stage) -> str:
    """SIGTERM in mid-job, SIGKILL 10 s later."""
    worker = await stage.worker()
    await stage.post(LONG)
    await stage.until_started()
    worker.signal(signal.SIGTERM)
    await stage.seconds_until(lambda: worker.exit_code is not None, GRACE)
    worker.signal_all(signal.SIGKILL)
    await stage.worker()
    return await _again(stage)


async def child_killed(stage: Stage) -> str:
    """SIGKILL of the child in mid-job, as for want of memory."""
    worker = await stage.worker()
    await stage.post(LONG)
    await stage.until_started()
    os.kill(worker.child, signal.SIGKILL)
    return await _again(stage)


async def popped_and_killed(stage: Stage) -> str:
    """SIGKILL between the pop of a message and the note that it was popped."""
    worker = await stage.worker()
    for _ in range(5):
        worker.signal_all(signal.SIGSTOP)
        await stage.post(1)
        if await stage.seconds_until(lambda: not stage.client.llen("celery"), 1) is not None:
            break
        worker.signal_all(signal.SIGCONT)
        await stage.until_started()
    before = stage.count("start")
    worker.signal_all(signal.SIGKILL)
    await stage.worker()
    took = await stage.seconds_until(lambda: stage.count("start") > before)
    left = stage.client.llen("celery") + stage.client.hlen("unacked")
    return (
        f"runs after {took:.1f} s"
        if took
        else f"not within {LIMIT:.0f} s; {'held' if left else 'lost: no message is left'}"
    )


async def connections_reset(stage: Stage) -> str:
    """Its connections are reset in mid-job, another worker is idle."""
    proxy = FaultProxy(stage.redis.port)
    proxy.start()
    try:
        await stage.worker(proxy.url)
        await stage.post(LONG)
        await stage.until_started()
        await stage.worker()
        proxy.reset()
        took = await stage.seconds_until(lambda: stage.count("start") >= 2, LONG)
        if took is None:
            return "the job goes on, once"
        await stage.seconds_until(lambda: stage.count("end") >= 2)
        return f"a second copy starts after {took:.1f} s; {stage.count('end')} run to the end"
    finally:
        proxy.stop()


async def message_repeated(stage: Stage) -> str:
    """The same message five times, three workers."""
    await stage.post(2)
    [message] = stage.client.lrange("celery", 0, -1)
    stage.client.lpush("celery", *[message] * 4)
    await asyncio.gather(*(stage.worker() for _ in range(3)))
    await stage.seconds_until(lambda: stage.count("end") >= 5, 15)
    return f"the job runs {stage.count('end')} times"


async def connection_silent(stage: Stage) -> str:
    """The idle worker's connections are silent for ever, new ones work."""
    proxy = FaultProxy(stage.redis.port)
    proxy.start()
    try:
        await stage.worker(proxy.url)
        proxy.blackhole(new=False)
        await stage.post(1)
        took = await stage.seconds_until(lambda: stage.count("start") >= 1)
        waiting = stage.client.llen("celery")
        return (
            f"runs after {took:.1f} s"
            if took
            else f"not within {LIMIT:.0f} s; {'its message waits' if waiting else 'lost: no message is left'}"
        )
    finally:
        proxy.stop()


FAULTS = [
    worker_killed,
    worker_stopped,
    child_killed,
    popped_and_killed,
    connections_reset,
    message_repeated,
    connection_silent,
]
