"""Jobs that follow each other in one child without a message: what holds for each holds for all."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

from jobs.celery_app import create_celery
from jobs.settings import Settings
from tests.support.platform import NewPlatform, Platform
from tests.support.quick_worker import QuickWorker
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until

LONG = 60_000
"""ms: a story that a test outlives."""


def spawn(platform: Platform) -> QuickWorker:
    log = platform.folder / f"worker-{len(platform.workers)}.log"
    worker = QuickWorker(environment=platform.environment, log=log)
    platform.workers.append(worker)
    platform.processes.append(worker)
    return worker


async def until_running(platform: Platform, job_id: str) -> dict[str, Any]:
    return await platform.until_state(job_id, "running", within=30)


async def quick_then_long(platform: Platform) -> tuple[list[str], str]:
    """Some stories of no time, and one of a minute that follows them in a chain; it runs."""
    await platform.start(workers=0)
    quick = [await platform.post_story(seed=0) for _ in range(5)]
    long = await platform.post_story(seed=LONG)
    await wait_until(spawn(platform).ready, within=30, what="the worker is ready")
    await until_running(platform, long)
    return quick, long


async def test_a_child_killed_in_mid_chain_is_noticed_at_once(new_platform: NewPlatform) -> None:
    platform = new_platform()
    quick, long = await quick_then_long(platform)

    watch = Stopwatch()
    os.kill(platform.workers[0].child, signal.SIGKILL)

    async def runs_again() -> bool:
        return (await platform.job(long))["attempt"] == 2

    await wait_until(runs_again, within=10, what="the long one runs again")
    assert watch.took.net < 1, "a lease would end after 8 s"
    assert [(await platform.job(job_id))["state"] for job_id in quick] == ["completed"] * 5
    assert await platform.metric("headrace_children_lost_total") == 1
    assert "outcome='lost: worker_lost'" in platform.logs()


async def test_a_worker_that_stops_in_mid_chain_hands_its_job_back(new_platform: NewPlatform) -> None:
    platform = new_platform()
    _, long = await quick_then_long(platform)

    watch = Stopwatch()
    platform.workers[0].signal(signal.SIGTERM)
    job = await platform.until_state(long, "queued", within=10)

    assert watch.took.net < 3
    assert (job["state_reason"], job["attempt"]) == ("interrupted", 0)
    await wait_until(lambda: platform.workers[0].exit_code == 0, within=10, what="the worker has ended well")


async def test_the_fleet_report_names_the_job_of_a_chain(new_platform: NewPlatform) -> None:
    platform = new_platform()
    _, long = await quick_then_long(platform)

    async def named() -> bool:
        [worker] = (await platform.client.get("/workers")).json()["workers"]
        return worker["jobs"] == [long]

    await wait_until(named, within=20, what="the report names the job that runs")


async def test_three_workers_share_short_jobs_evenly(new_platform: NewPlatform) -> None:
    platform = new_platform()
    await platform.start(workers=0)
    for _ in range(3):
        spawn(platform)
    for worker in platform.workers:
        await wait_until(worker.ready, within=60, what="the worker is ready")

    async def post() -> list[str]:
        return [await platform.post_story(seed=20) for _ in range(60)]

    jobs = [job_id for made in await asyncio.gather(*(post() for _ in range(10))) for job_id in made]

    async def all_done() -> bool:
        return await platform.metric("headrace_jobs_finished_total") == len(jobs)

    await wait_until(all_done, within=120, what="all are done")
    shares = Counter([(await platform.job(job_id))["worker"] for job_id in jobs])
    assert len(shares) == 3
    assert min(shares.values()) > 200 * 2 / 3, shares
    assert max(shares.values()) < 200 * 4 / 3, shares


async def test_a_queue_that_a_worker_is_told_to_leave_is_left_in_mid_chain(new_platform: NewPlatform) -> None:
    """By `celery control cancel_consumer`, which only the worker's parent hears; and taken on again."""
    platform = new_platform()
    await platform.start(workers=0)
    for _ in range(60):
        await platform.post_story(seed=100)
    await wait_until(spawn(platform).ready, within=30, what="the worker is ready")
    control = create_celery(Settings.model_validate({"redis_url": platform.redis.url})).control

    async def finished() -> float:
        return await platform.metric("headrace_jobs_finished_total")

    async def begun() -> bool:
        return await finished() >= 2

    async def told(order: Callable[..., Any]) -> None:
        async def answered() -> bool:
            return bool(await asyncio.to_thread(order, "default", reply=True, timeout=5))

        await wait_until(answered, within=30, what="the worker answers")

    async def idle() -> bool:
        return not (await platform.client.get("/jobs", params={"state": "running"})).json()["jobs"]

    await wait_until(begun, within=30, what="some are finished")
    await told(control.cancel_consumer)
    before = await finished()
    await wait_until(idle, within=10, what="no job runs")
    assert await finished() - before <= 2, "the one that ran, and one whose message was on its way"

    await told(control.add_consumer)

    async def all_done() -> bool:
        return await finished() == 60

    await wait_until(all_done, within=60, what="all are done")
