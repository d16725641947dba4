"""Redis itself is in trouble: frozen, restarted, emptied, full, read-only."""

import os
import signal

import httpx
import pytest

from cli.embedded_redis import EmbeddedRedis
from tests.chaos.checks import completed_once, direct, nothing_left, ran_once, start_with, until_exit, until_running
from tests.chaos.conftest import Measure, NewPlatform, SpawnMisbehaving
from tests.support.platform import STORY, Platform
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import pause, wait_until


def _signal_redis(platform: Platform, number: signal.Signals) -> None:
    assert platform.redis.pid
    os.kill(platform.redis.pid, number)


def _workers_alive(platform: Platform) -> bool:
    return all(worker.exit_code is None for worker in platform.workers)


async def test_a_frozen_redis_across_acknowledgements(new_platform: NewPlatform, measure: Measure) -> None:
    """Injected: Redis is stopped for 8 s while short jobs are popped, acknowledged and finished; and again.

    Bound: every job is done 30 s after the last thaw; the worker is the same.
    """
    platform = new_platform(HEADRACE_OFFLINE_DELAY="0.02")
    await platform.start()
    jobs = [await platform.post_story(pages=4) for _ in range(16)]
    for job_id in (jobs[0], jobs[6]):
        await until_running(platform, job_id, within=30)
        _signal_redis(platform, signal.SIGSTOP)
        await pause(8)
        _signal_redis(platform, signal.SIGCONT)
        jobs.append(await _accepted(platform))
    watch = Stopwatch()
    await completed_once(platform, *jobs, repeats=4)
    measure("Redis frozen for 8 s, until 18 jobs are done", watch.took, bound=30)
    assert _workers_alive(platform)


async def _accepted(platform: Platform) -> str:
    """A story as soon as the API takes one."""

    async def post() -> str | None:
        response = await platform.client.post("/stories", json=STORY | {"pages": 4})
        return response.json()["id"] if response.is_success else None

    job_id = await wait_until(post, within=10, what="the API takes jobs again")
    assert job_id
    return job_id


async def test_an_idle_worker_outlives_a_restart(platform: Platform, measure: Measure) -> None:
    """Injected: Redis is killed under an idle worker, and is back 5 s later. Bound: a job runs within 15 s of that."""
    await platform.start()
    platform.redis.kill()
    await pause(5)
    platform.redis.start()
    watch = Stopwatch()
    job_id = await _accepted(platform)
    await until_running(platform, job_id, within=40)
    measure("idle worker, Redis away for 5 s, until a job runs", watch.took, bound=15)
    await completed_once(platform, job_id)
    assert _workers_alive(platform)


async def test_a_job_whose_end_falls_into_an_outage_is_completed(platform: Platform, measure: Measure) -> None:
    """Injected: Redis is killed before the last step of a job and is back 4 s later, within the lease.

    Bound: the job completes within 5 s of that, in one attempt; the next runs within 30 s.
    """
    await platform.start()
    job_id = await platform.post_story(pages=4)
    await platform.until_steps(job_id, 4)
    platform.redis.kill()
    await pause(4)
    platform.redis.start()
    watch = Stopwatch()
    await ran_once(platform, job_id)
    measure("end of a job in an outage of 4 s, until it is done", watch.took, bound=5)
    next_id = await _accepted(platform)
    await until_running(platform, next_id, within=60)
    measure("the same worker, until the next job runs", watch.took, bound=30)
    assert _workers_alive(platform)


@pytest.mark.parametrize("how", ["restarted without a file", "emptied"])
async def test_a_redis_that_forgot_everything(new_platform: NewPlatform, how: str, measure: Measure) -> None:
    """Injected: in mid-job, Redis loses all it had: it runs without its append-only file, or somebody said FLUSHALL.

    The job is gone, with the store that accepted it; that cannot be mended. Bound: its worker lets go of it and runs
    the next job within 30 s, without a restart.
    """
    platform = new_platform(HEADRACE_OFFLINE_DELAY="0.5")
    if how != "emptied":
        platform.redis = EmbeddedRedis(platform.folder / "redis", port=platform.redis.port, aof=False)
    await platform.start()
    lost_id = await platform.post_story(pages=12)
    await platform.until_steps(lost_id, 2)
    if how == "emptied":
        with direct(platform) as redis:
            redis.flushall()
    else:
        platform.redis.kill()
        platform.redis.start()
    watch = Stopwatch()
    next_id = await _accepted(platform)
    await until_running(platform, next_id, within=60)
    measure(f"Redis {how}, until the next job runs", watch.took, bound=30)
    await completed_once(platform, next_id)
    assert (await platform.client.get(f"/jobs/{lost_id}")).status_code == httpx.codes.NOT_FOUND
    assert _workers_alive(platform)
    nothing_left(platform)
    with direct(platform) as redis:
        assert not redis.exists(f"hr:job:{lost_id}", f"hr:job:{lost_id}:steps", f"hr:job:{lost_id}:events")


async def test_a_worker_that_has_tried_to_reconnect_often_enough_ends(
    platform: Platform, spawn_misbehaving: SpawnMisbehaving, measure: Measure
) -> None:
    """Injected: Redis stays away for longer than the broker's tries, here 2 in place of 32.

    Bound: the worker exits non-zero within 30 s, so that the platform starts another; that one runs the job.
    """
    [worker] = await start_with(platform, lambda: spawn_misbehaving(platform, CHAOS_RECONNECTS="2"))
    job_id = await platform.post_story(pages=6)
    saved = await platform.until_steps(job_id, 2)
    platform.redis.kill()
    code, took = await until_exit(worker, within=60)
    measure("Redis away for longer than all tries, until the worker ends", took, bound=30)
    assert code != 0
    platform.redis.start()
    platform.spawn_worker()
    await completed_once(platform, job_id, saved=saved, repeats=1)


async def test_a_full_redis_costs_time_only(short: Platform, measure: Measure) -> None:
    """Injected: `maxmemory` is reached in mid-job, with another job waiting, for 8 s: longer than the lease.

    Bound: a post is a 503 within 2 s; both jobs complete within 30 s of there being memory again; the worker lives.
    """
    await short.start()
    jobs = [await short.post_story(pages=6), await short.post_story(pages=4)]
    saved = await short.until_steps(jobs[0], 2)
    with direct(short) as redis:
        redis.config_set("maxmemory", "1mb")
        watch = Stopwatch()
        response = await short.client.post("/stories", json=STORY)
        measure("POST to a full Redis", watch.took, bound=2)
        assert response.status_code == httpx.codes.SERVICE_UNAVAILABLE, response.text
        await pause(8)
        redis.config_set("maxmemory", "0")
    watch = Stopwatch()
    await completed_once(short, *jobs, saved=saved, repeats=2, within=60)
    measure("full for 8 s, until both jobs are done", watch.took, bound=30)
    assert _workers_alive(short)


async def test_a_redis_that_became_a_replica_costs_time_only(short: Platform, measure: Measure) -> None:
    """Injected: in mid-job Redis is made a read-only replica, as in a failover, and master again 8 s later.

    Bound: a post is a 503 within 2 s; both jobs complete within 30 s of the end; the worker lives.
    """
    await short.start()
    jobs = [await short.post_story(pages=6), await short.post_story(pages=4)]
    saved = await short.until_steps(jobs[0], 2)
    with direct(short) as redis:
        redis.replicaof("127.0.0.1", "1")
        watch = Stopwatch()
        response = await short.client.post("/stories", json=STORY)
        measure("POST to a read-only Redis", watch.took, bound=2)
        assert response.status_code == httpx.codes.SERVICE_UNAVAILABLE, response.text
        await pause(8)
        redis.replicaof("NO", "ONE")
    watch = Stopwatch()
    await completed_once(short, *jobs, saved=saved, repeats=2, within=60)
    measure("read-only for 8 s, until both jobs are done", watch.took, bound=30)
    assert _workers_alive(short)
