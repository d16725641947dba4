"""Faults of a child that runs many jobs at once: who pays for them."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.chaos import misbehaving_titles as titles
from tests.chaos.checks import completed_once, nothing_left, start_with, until_running
from tests.chaos.conftest import SHORT, SpawnMisbehaving
from tests.support.platform import NewPlatform, Platform
from tests.support.waiting import wait_until

MANY = 50


@pytest.fixture
def shared(new_platform: NewPlatform) -> Platform:
    """One worker that runs up to 50 jobs."""
    return new_platform(HEADRACE_JOBS_PER_WORKER=str(MANY), HEADRACE_OFFLINE_DELAY="0.5", HEADRACE_CONCURRENCY="1")


async def waiting_beside(platform: Platform, job_id: str, number: int = 5) -> list[str]:
    """Starts jobs that wait for ever, and lets all of them and this one run."""
    others = [await platform.post_story(title=titles.WAITS) for _ in range(number)]
    for each in (job_id, *others):
        await until_running(platform, each, within=30)
    return others


async def were_handed_back(platform: Platform, others: list[str]) -> None:
    """They were, at no attempt's cost, and run again."""

    async def back(job_id: str) -> bool:
        events = await platform.events(job_id)
        return [event["event"] for event in events].count("running") == 2

    for job_id in others:
        await wait_until(lambda job_id=job_id: back(job_id), within=60, what=f"{job_id} runs again")
        queued = [event for event in await platform.events(job_id) if event["event"] == "queued"][-1]
        assert queued["data"]["reason"] == "interrupted"
        assert (await platform.job(job_id))["attempt"] == 1


@pytest.mark.quick
async def test_a_child_with_fifty_jobs_is_killed(shared: Platform) -> None:
    """Injected: SIGKILL of the child while 50 stories run, most with steps saved.

    Bound: all 50 run again and complete, once each; of no saved step is asked again.
    """
    await shared.start()
    jobs = list(await asyncio.gather(*(shared.post_story(pages=6) for _ in range(MANY))))
    for job_id in jobs:
        await shared.until_steps(job_id, 2, within=60)
    # Read before the kill: steps that are saved meanwhile count among the repeats that are allowed.
    saved = {job_id: await shared.until_steps(job_id, 2) for job_id in jobs}
    os.kill(shared.workers[0].child, signal.SIGKILL)
    for job_id in jobs:
        await completed_once(shared, job_id, saved=saved[job_id], repeats=1, within=90)
    assert [(await shared.job(job_id))["attempt"] for job_id in jobs] == [2] * MANY
    nothing_left(shared)


async def test_a_job_that_goes_on_when_cancelled_costs_the_others_nothing(
    shared: Platform, spawn_misbehaving: SpawnMisbehaving
) -> None:
    """Injected: of six jobs in a child, one swallows its cancellation. Bound: the others were handed back."""
    await start_with(shared, lambda: spawn_misbehaving(shared))
    stubborn = await shared.post_story(title=titles.GOES_ON)
    others = await waiting_beside(shared, stubborn)
    await shared.client.post(f"/jobs/{stubborn}/cancel")
    await were_handed_back(shared, others)
    assert (await shared.job(stubborn))["state"] == "cancelled"


async def test_a_job_that_goes_on_beyond_its_time_limit_costs_the_others_nothing(
    shared: Platform, spawn_misbehaving: SpawnMisbehaving
) -> None:
    await start_with(shared, lambda: spawn_misbehaving(shared))
    stubborn = await shared.post_story(title=titles.GOES_ON, time_limit_seconds=3)
    others = await waiting_beside(shared, stubborn)
    await were_handed_back(shared, others)
    job = await shared.job(stubborn)
    assert (job["state"], job["state_reason"], job["attempt"]) == ("failed", "time_limit", 1)


@pytest.mark.quick
async def test_a_job_that_blocks_the_loop_alone_fails(shared: Platform, spawn_misbehaving: SpawnMisbehaving) -> None:
    """Injected: one of six blocks the event loop for ten minutes, of which 2 s are allowed.

    Bound: it alone fails, by the name of the place; the others were handed back.
    """
    await start_with(shared, lambda: spawn_misbehaving(shared, HEADRACE_MAX_LOOP_BLOCK="2s"))
    others = [await shared.post_story(title=titles.WAITS) for _ in range(5)]
    for job_id in others:
        await until_running(shared, job_id, within=30)
    blocking = await shared.post_story(title=titles.BLOCKS)
    await were_handed_back(shared, others)
    job = await shared.job(blocking)
    assert (job["state"], job["state_reason"], job["attempt"]) == ("failed", "internal_error", 1)
    assert "blocked its event loop for 2 s, at chaos/misbehaving.py:" in job["error"]["message"]


async def test_a_blocked_loop_ends_with_the_time_limit_of_the_job_that_blocks_it(
    shared: Platform, spawn_misbehaving: SpawnMisbehaving
) -> None:
    """Injected: one of six blocks the event loop; that is allowed for ever, but the kind's time limit is 20 s.

    Bound: it alone fails.
    """
    limits = {"HEADRACE_MAX_LOOP_BLOCK": "0", "CHAOS_TIME_LIMIT": "20"}
    await start_with(shared, lambda: spawn_misbehaving(shared, **limits))
    others = [await shared.post_story(title=titles.WAITS) for _ in range(5)]
    for job_id in others:
        await until_running(shared, job_id, within=30)
    blocking = await shared.post_story(title=titles.BLOCKS, time_limit_seconds=2)
    await were_handed_back(shared, others)
    job = await shared.job(blocking)
    assert (job["state"], job["state_reason"], job["attempt"]) == ("failed", "time_limit", 1)


async def test_a_job_that_kills_its_process_fails_and_the_others_go_on(
    shared: Platform, spawn_misbehaving: SpawnMisbehaving
) -> None:
    """Injected: a job that dies of a segmentation fault in each attempt; others come between.

    Bound: it has failed after three attempts, and a job that is posted then completes in one.
    """
    await start_with(shared, lambda: spawn_misbehaving(shared))
    deadly = await shared.post_story(title=titles.DIES)
    job = await shared.until_state(deadly, "failed", within=60)
    assert (job["state_reason"], job["attempt"]) == ("worker_lost", 3)
    await completed_once(shared, await shared.post_story(pages=4), within=60)


async def test_a_child_that_stands_still_is_replaced(new_platform: NewPlatform) -> None:
    """Injected: SIGSTOP of the child alone, with jobs in it. Bound: they complete in another child of the worker."""
    settings = {"HEADRACE_JOBS_PER_WORKER": "10", "HEADRACE_WATCHDOG": "3s", "HEADRACE_OFFLINE_DELAY": "0.5"}
    platform = new_platform(**settings, **SHORT)
    await platform.start()
    jobs = [await platform.post_story(pages=6) for _ in range(5)]
    for job_id in jobs:
        await until_running(platform, job_id, within=30)
    os.kill(platform.workers[0].child, signal.SIGSTOP)
    for job_id in jobs:
        await platform.until_state(job_id, "completed", within=60)
    assert platform.workers[0].exit_code is None
    assert "a child keeps no leases any longer" in platform.logs()


async def test_a_child_goes_with_its_parent(shared: Platform) -> None:
    """Injected: SIGKILL of the parent alone. Bound: its child ends at once; its jobs complete elsewhere, once each."""
    await shared.start()
    jobs = [await shared.post_story(pages=6) for _ in range(5)]
    for job_id in jobs:
        await until_running(shared, job_id, within=30)
    worker = shared.workers[0]
    child = worker.child
    worker.signal(signal.SIGKILL)
    await wait_until(lambda: worker.exit_code is not None, within=10, what="the parent is gone")
    await wait_until(lambda: not Path(f"/proc/{child}").exists(), within=10, what="its child is gone")
    shared.spawn_worker()
    await completed_once(shared, *jobs, repeats=len(jobs), within=60)
