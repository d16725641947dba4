"""Many jobs, many workers: fairness, recycled children, sweepers, clocks, rolling restarts, orphans."""

import os
import signal

import pytest

from tests.chaos.checks import completed_once, direct, nothing_left, ran_once, until_exit, until_ready, until_running
from tests.chaos.conftest import SHORT, Measure, NewPlatform, SpawnMisbehaving
from tests.support.platform import Platform
from tests.support.processes import Worker
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import pause, wait_until


async def test_an_idle_worker_is_served_at_once(platform: Platform, measure: Measure) -> None:
    """Injected: three long jobs for one busy worker; then a second worker joins.

    Bound: the second job runs within 3 s of the second worker being ready: the first one has hoarded nothing.
    """
    await platform.start()
    jobs = [await platform.post_story(pages=12) for _ in range(3)]
    await until_running(platform, jobs[0], within=10)
    with direct(platform) as redis:
        assert redis.hlen("unacked") == 0, "a running job's message is not held: no visibility timeout can repeat it"
    await until_ready(platform.spawn_worker())
    measure(
        "a second worker joins, until it runs the next job", await until_running(platform, jobs[1], within=20), bound=3
    )
    states = [(await platform.job(job_id))["state"] for job_id in jobs]
    assert states == ["running", "running", "queued"]


@pytest.mark.parametrize(
    "limit",
    [{"HEADRACE_MAX_TASKS_PER_CHILD": "2"}, {"HEADRACE_MAX_MEMORY_PER_CHILD": "1000"}],
    ids=["after so many jobs", "for its memory"],
)
async def test_children_are_replaced_under_a_backlog(
    new_platform: NewPlatform, limit: dict[str, str], measure: Measure
) -> None:
    """Injected: a child is replaced after every second job, or every one, with more jobs waiting.

    Bound: every job runs once, in one attempt; a replacement and the jobs before it take at most 8 s.
    """
    platform = new_platform(**limit)
    await platform.start()
    watch = Stopwatch()
    seen: set[int] = set()
    jobs = [await platform.post_story(pages=4) for _ in range(6)]

    async def all_done() -> bool:
        seen.update(platform.workers[0].children())
        return all([(await platform.job(job_id))["state"] == "completed" for job_id in jobs])

    await wait_until(all_done, within=60, what="all six jobs are done")
    replaced = 2 if "HEADRACE_MAX_TASKS_PER_CHILD" in limit else 5
    measure(f"6 jobs of 1 s with {limit}, for each replaced child", watch.took.each(replaced), bound=8)
    assert len(seen) > replaced
    await ran_once(platform, *jobs)
    nothing_left(platform)


async def test_a_clock_that_is_wrong_by_an_hour_changes_nothing(
    new_platform: NewPlatform, spawn_misbehaving: SpawnMisbehaving
) -> None:
    """Injected: of two workers under load, one whose clock is an hour ahead: leases go by the clock of Redis.

    Bound: every job runs in one attempt.
    """
    platform = new_platform(HEADRACE_OFFLINE_DELAY="0.2", **SHORT)
    await platform.start()
    await until_ready(spawn_misbehaving(platform, CHAOS_CLOCK_AHEAD="3600"))
    jobs = [await platform.post_story(pages=6) for _ in range(8)]
    await ran_once(platform, *jobs, within=60)
    assert len({(await platform.job(job_id))["worker"] for job_id in jobs}) == 2
    nothing_left(platform)


async def test_nobody_sweeps_for_a_while(short: Platform, measure: Measure) -> None:
    """Injected: both workers are killed in mid-job, and nobody is there until long after the leases have ended.

    Bound: with the next workers, both jobs run again within 5 s of them being ready, though both sweep at once.
    """
    await short.start(workers=2)
    jobs = [await short.post_story(pages=6) for _ in range(2)]
    saved = [await short.until_steps(job_id, 2) for job_id in jobs]
    for worker in short.workers:
        worker.signal_all(signal.SIGKILL)
    await pause(8)
    new = [short.spawn_worker() for _ in range(2)]
    for worker in new:
        await until_ready(worker)
    for job_id in jobs:
        measure(
            "no worker for 8 s, until a job runs again",
            await until_running(short, job_id, attempt=2, within=20),
            bound=5,
        )
    for job_id, steps in zip(jobs, saved, strict=True):
        await completed_once(short, job_id, saved=steps, repeats=1)
    nothing_left(short)


async def test_an_orphaned_child_finishes_its_job_once(short: Platform, measure: Measure) -> None:
    """Injected: kill -9 of a worker's parent alone, in mid-job, while another worker is idle.

    Bound: the job completes once, here or there, within 15 s, no saved step is paid again, and the orphan goes.
    """
    await short.start(workers=2)
    job_id = await short.post_story(pages=6)
    saved = await short.until_steps(job_id, 2)
    holder = (await short.job(job_id))["worker"]
    worker = next(worker for worker in short.workers if f":{worker.pid}:" in holder)
    orphan = worker.child
    os.kill(worker.pid, signal.SIGKILL)
    watch = Stopwatch()
    await completed_once(short, job_id, saved=saved, repeats=1)
    measure("parent killed, until the job is done", watch.took, bound=15)
    await wait_until(lambda: not _runs(orphan), within=15, what="the orphan goes")
    nothing_left(short)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_rolling_restart_under_load_loses_and_repeats_nothing(platform: Platform, measure: Measure) -> None:
    """Injected: of three workers with twelve jobs, each one in turn gets SIGTERM and a successor.

    Bound: every job completes, every step is paid exactly once, no attempt is used up, and each worker exits with 0
    within 5 s.
    """
    await platform.start(workers=3)
    jobs = [await platform.post_story(pages=4) for _ in range(12)]
    old = list(platform.workers)
    for worker in old:
        worker.signal(signal.SIGTERM)
        successor: Worker = platform.spawn_worker()
        code, took = await until_exit(worker, within=10)
        measure("rolling restart, until a worker is gone", took, bound=5)
        assert code == 0, worker.output()
        await until_ready(successor)
    await completed_once(platform, *jobs, within=60)
    assert {(await platform.job(job_id))["attempt"] for job_id in jobs} == {1}
    nothing_left(platform)
