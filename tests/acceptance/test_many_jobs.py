"""Many jobs in one worker, HEADRACE_JOBS_PER_WORKER: what holds for the one job of a worker holds for each of them."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from jobs import keys
from tests.acceptance.test_flower_events import BEGUN, listening
from tests.chaos.checks import direct
from tests.support.platform import NewPlatform, Platform
from tests.support.processes import Worker
from tests.support.quick_worker import FAILS, QuickWorker
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until

LONG = 60_000
"""ms: a story that a test outlives."""
AT_ONCE = 20


def spawn(platform: Platform) -> QuickWorker:
    log = platform.folder / f"worker-{len(platform.workers)}.log"
    worker = QuickWorker(environment=platform.environment, log=log)
    platform.workers.append(worker)
    platform.processes.append(worker)
    return worker


async def started(new_platform: NewPlatform, **settings: str) -> Platform:
    """With one worker of many jobs."""
    platform = new_platform(**{"HEADRACE_JOBS_PER_WORKER": str(AT_ONCE), **settings})
    await platform.start(workers=0)
    await wait_until(spawn(platform).ready, within=60, what="the worker is ready")
    return platform


async def post(platform: Platform, number: int, **changes: Any) -> list[str]:  # noqa: ANN401  # any JSON value
    return list(await asyncio.gather(*(platform.post_story(**changes) for _ in range(number))))


async def states(platform: Platform, jobs: Sequence[str]) -> list[str]:
    return [(await platform.job(job_id))["state"] for job_id in jobs]


async def until_all(platform: Platform, jobs: Sequence[str], state: str, *, within: float = 60) -> None:
    async def reached() -> bool:
        return set(await states(platform, jobs)) == {state}

    await wait_until(reached, within=within, what=f"all are {state}")


async def test_as_many_run_at_once_as_the_setting_says(new_platform: NewPlatform) -> None:
    platform = await started(new_platform)
    jobs = [*await post(platform, AT_ONCE, seed=LONG), *[await platform.post_story(seed=LONG) for _ in range(2)]]

    async def full() -> bool:
        return (await states(platform, jobs)).count("running") == AT_ONCE

    await wait_until(full, within=30, what="every slot is in use")
    waiting = [job for job_id in jobs if (job := await platform.job(job_id))["state"] == "queued"]
    assert [job["waiting"]["on"] for job in waiting] == ["worker_busy"] * 2
    with direct(platform) as redis:
        assert redis.zcard(keys.queue("default", keys.RELEASED)) == 0, "nobody could take a message"

    running = [job_id for job_id in jobs if job_id not in {job["id"] for job in waiting}]

    async def reported() -> bool:
        [worker] = (await platform.client.get("/workers")).json()["workers"]
        return worker["slots"] == AT_ONCE and sorted(worker["jobs"]) == sorted(running)

    await wait_until(reported, within=20, what="the report names all that run")
    await platform.client.post(f"/jobs/{running[7]}/cancel")
    await platform.until_state(waiting[0]["id"], "running", within=10)
    assert (await states(platform, running)).count("running") == AT_ONCE - 1, "the cancel reached that job alone"


async def test_a_lost_child_gives_all_its_jobs_back_at_once(new_platform: NewPlatform) -> None:
    platform = await started(new_platform)
    jobs = await post(platform, AT_ONCE, seed=LONG)
    await until_all(platform, jobs, "running")

    watch = Stopwatch()
    os.kill(platform.workers[0].child, signal.SIGKILL)

    async def run_again() -> bool:
        return all([(await platform.job(job_id))["attempt"] == 2 for job_id in jobs])

    await wait_until(run_again, within=20, what="all run again")
    assert watch.took.net < 4, "their leases would end after 8 s"
    assert await platform.metric("headrace_children_lost_total") == AT_ONCE


async def test_a_worker_that_stops_hands_all_its_jobs_back(new_platform: NewPlatform) -> None:
    platform = await started(new_platform)
    jobs = await post(platform, AT_ONCE, seed=LONG)
    await until_all(platform, jobs, "running")

    watch = Stopwatch()
    platform.workers[0].signal(signal.SIGTERM)
    await wait_until(lambda: platform.workers[0].exit_code is not None, within=20, what="the worker has ended")

    assert watch.took.net < 8, "a platform kills after 10 s"
    assert platform.workers[0].exit_code == 0
    found = [await platform.job(job_id) for job_id in jobs]
    assert {(job["state"], job["state_reason"], job["attempt"]) for job in found} == {("queued", "interrupted", 0)}


async def test_a_child_counts_all_its_jobs(new_platform: NewPlatform) -> None:
    platform = await started(new_platform, HEADRACE_JOBS_PER_WORKER="4", HEADRACE_MAX_TASKS_PER_CHILD="5")
    seen = {platform.workers[0].child}
    jobs = await post(platform, 4 * 5 * 2, seed=1)

    async def done() -> bool:
        seen.update(platform.workers[0].children())
        return set(await states(platform, jobs)) == {"completed"}

    await wait_until(done, within=60, what="all are done")
    assert len(seen) >= 2
    assert {(await platform.job(job_id))["attempt"] for job_id in jobs} == {1}


async def test_a_child_beyond_its_memory_takes_no_more_and_finishes_what_it_has(new_platform: NewPlatform) -> None:
    platform = await started(new_platform, HEADRACE_MAX_MEMORY_PER_CHILD="1000")
    jobs = await post(platform, 6, seed=200)
    await until_all(platform, jobs, "completed")
    assert {(await platform.job(job_id))["attempt"] for job_id in jobs} == {1}


async def test_the_time_limit_of_one_is_not_that_of_the_others(new_platform: NewPlatform) -> None:
    platform = await started(new_platform)
    others = await post(platform, 5, seed=LONG)
    limited = await platform.post_story(seed=LONG, time_limit_seconds=1)

    failed = await platform.until_state(limited, "failed", within=30)

    assert failed["error"]["reason"] == "time_limit"
    assert await states(platform, others) == ["running"] * 5


async def test_monitors_are_told_of_every_job(new_platform: NewPlatform) -> None:
    platform = await started(new_platform)
    async with listening(platform) as listener:
        jobs = await post(platform, AT_ONCE, seed=300)
        failing = await platform.post_story(title=FAILS, seed=100)
        told = [*jobs, failing]
        await wait_until(
            lambda: all(listener.heard[job_id].keys() > BEGUN for job_id in told), within=60, what="all is told"
        )
        await until_all(platform, jobs, "completed")
        await wait_until(
            lambda: {listener.state_of(job_id) for job_id in jobs} == {"SUCCESS"}, within=30, what="all have succeeded"
        )
        assert listener.state_of(failing) == "FAILURE"


async def test_two_workers_share_the_jobs(new_platform: NewPlatform) -> None:
    platform = await started(new_platform)
    await wait_until(spawn(platform).ready, within=60, what="the second worker is ready")
    jobs = await post(platform, AT_ONCE * 2, seed=LONG)
    await until_all(platform, jobs, "running")
    assert len({(await platform.job(job_id))["worker"] for job_id in jobs}) == 2


@pytest.mark.parametrize("value", ["0", "1001", "many"])
async def test_a_bad_number_is_refused_at_the_start(tmp_path: Path, value: str) -> None:
    worker = Worker(environment={**os.environ, "HEADRACE_JOBS_PER_WORKER": value}, log=tmp_path / "worker.log")
    try:
        await wait_until(lambda: worker.exit_code is not None, within=60, what="the worker has ended")
    finally:
        worker.end()
    [line] = [line for line in worker.output().splitlines() if line.startswith("headrace: ")]
    assert "HEADRACE_JOBS_PER_WORKER" in line
    assert "Traceback" not in worker.output()
