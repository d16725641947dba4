"""A worker is told to stop, with ten seconds until it is killed."""

import asyncio
import signal

import pytest

from tests.chaos import misbehaving_titles as titles
from tests.chaos.checks import completed_once, ran_once, start_with, until_exit, until_ready, until_running
from tests.chaos.conftest import Measure, SpawnMisbehaving
from tests.support.platform import Platform
from tests.support.processes import Worker
from tests.support.stopwatch import Took
from tests.support.waiting import pause, wait_until

GRACE = 10.0
"""Seconds from SIGTERM to SIGKILL, as Cloud Run gives them."""


async def test_a_short_job_is_done_before_the_end(platform: Platform, measure: Measure) -> None:
    """Injected: SIGTERM during the last page of a job. Bound: the job completes in this attempt, exit 0 within 5 s."""
    await platform.start()
    job_id = await platform.post_story(pages=4)
    await wait_until(lambda: "page:4" in platform.ledger.steps(job_id), within=20, what="the last page is asked for")
    worker = platform.workers[0]
    worker.signal(signal.SIGTERM)
    code, took = await until_exit(worker, within=GRACE)
    measure("SIGTERM in a job's last step, until the exit", took, bound=5)
    assert code == 0, worker.output()
    platform.spawn_worker()
    await completed_once(platform, job_id)


@pytest.mark.quick
async def test_told_twice_is_told_once(platform: Platform, measure: Measure) -> None:
    """Injected: SIGTERM, and again 0.3 s later, in mid-job. Bound: handed back, exit 0 within 5 s."""
    platform.environment["HEADRACE_STOP_LIMIT"] = "60"  # on a busy machine it may take longer than those 5 s
    await platform.start()
    job_id = await platform.post_story(pages=6)
    saved = await platform.until_steps(job_id, 2)
    worker = platform.workers[0]
    worker.signal(signal.SIGTERM)
    await pause(0.3)
    worker.signal(signal.SIGTERM)
    code, took = await until_exit(worker, within=GRACE)
    measure("SIGTERM twice, until the exit", took, bound=5)
    assert code == 0, worker.output()
    job = await platform.job(job_id)
    assert (job["state"], job["state_reason"], job["attempt"]) == ("queued", "interrupted", 0)
    platform.spawn_worker()
    await completed_once(platform, job_id, saved=saved)


async def test_a_job_that_swallows_every_exception_is_handed_back(
    platform: Platform, spawn_misbehaving: SpawnMisbehaving, measure: Measure
) -> None:
    """Injected: SIGTERM while a pipeline catches whatever is raised in it and goes on.

    Bound: the job is queued again and the worker gone within the grace of 10 s.
    """
    [worker] = await start_with(platform, lambda: spawn_misbehaving(platform))
    job_id = await platform.post_story(title=titles.GOES_ON)
    await until_running(platform, job_id, within=10)
    worker.signal(signal.SIGTERM)
    _, took = await until_exit(worker, within=GRACE)
    measure("SIGTERM with a job that swallows it, until the exit", took, bound=GRACE)
    job = await platform.job(job_id)
    assert (job["state"], job["state_reason"]) == ("queued", "interrupted")
    platform.spawn_worker()
    await completed_once(platform, job_id)


async def test_a_job_that_blocks_its_process_runs_again_elsewhere(
    platform: Platform, spawn_misbehaving: SpawnMisbehaving, measure: Measure
) -> None:
    """Injected: SIGTERM while a pipeline blocks the event loop, and SIGKILL to all of it 10 s later.

    Bound: the worker's parent is gone before the grace is over; the job runs again within 15 s of the kill.
    """
    [worker] = await start_with(platform, lambda: spawn_misbehaving(platform))
    job_id = await platform.post_story(title=titles.BLOCKS)
    await until_running(platform, job_id, within=10)
    worker.signal(signal.SIGTERM)
    code, took = await until_exit(worker, within=GRACE)
    measure("SIGTERM with a job that blocks, until the exit", took, bound=GRACE)
    assert code != 0
    worker.signal_all(signal.SIGKILL)
    platform.spawn_worker()
    measure("... killed, until it runs again", await until_running(platform, job_id, attempt=2, within=30), bound=15)
    await completed_once(platform, job_id)


@pytest.mark.parametrize("moment", [0.3, 0.8, 1.2, 1.6, 2.0])
async def test_during_start_up(short: Platform, moment: float, measure: Measure) -> None:
    """Injected: SIGTERM so many seconds after the process was started, with a job waiting.

    Bound: gone within 10 s; the job is run by the next worker, and nothing is paid twice.
    """
    await short.start(workers=0)
    job_id = await short.post_story(pages=4)
    worker = short.spawn_worker()
    await pause(moment)
    worker.signal(signal.SIGTERM)
    _, took = await until_exit(worker, within=30)
    measure(f"SIGTERM {moment} s after the start, until the exit", took, bound=GRACE)
    short.spawn_worker()
    await completed_once(short, job_id)


async def test_during_a_reconnect(platform: Platform, measure: Measure) -> None:
    """Injected: Redis is away, an idle worker and a busy one try to reconnect, and get SIGTERM. Bound: gone in 10 s."""
    await platform.start()
    job_id = await platform.post_story(pages=12)
    saved = await platform.until_steps(job_id, 2)
    await until_ready(platform.spawn_worker())
    platform.redis.kill()

    async def stop(worker: Worker) -> tuple[int, Took]:
        await wait_until(lambda: "Trying again in" in worker.output(), within=15, what="the worker reconnects")
        worker.signal(signal.SIGTERM)
        return await until_exit(worker, within=30)

    ends = await asyncio.gather(*(stop(worker) for worker in platform.workers))
    for (_, took), name in zip(ends, ("a busy", "an idle"), strict=True):
        measure(f"SIGTERM to {name} worker without Redis, until the exit", took, bound=GRACE)
    platform.redis.start()
    platform.spawn_worker()
    await completed_once(platform, job_id, saved=saved, repeats=1, within=40)


async def test_an_idle_worker_stops_at_once(platform: Platform, measure: Measure) -> None:
    """Injected: SIGTERM to an idle worker while jobs are posted. Bound: exit 0 within 3 s, and no job is delayed."""
    await platform.start(workers=2)
    worker = platform.workers[0]
    worker.signal(signal.SIGTERM)
    jobs = [await platform.post_story(pages=4) for _ in range(2)]
    code, took = await until_exit(worker, within=GRACE)
    measure("SIGTERM to an idle worker, until the exit", took, bound=5)
    assert code == 0
    await completed_once(platform, *jobs)
    await ran_once(platform, jobs[1])
