"""The network between a worker and Redis breaks as networks do: silence, slowness, resets."""

from collections.abc import Callable

import pytest

from tests.chaos.checks import completed_once, ran_once, supervised, until_ready, until_running
from tests.chaos.conftest import Measure, NewPlatform, NewProxy
from tests.support.fault_proxy import FaultProxy
from tests.support.platform import Platform
from tests.support.processes import Worker
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import pause


@pytest.fixture
async def proxy(platform: Platform, new_proxy: NewProxy) -> FaultProxy:
    """Before the Redis of `platform`, which is up, with no worker yet."""
    await platform.start(workers=0)
    return new_proxy(platform)


async def _worker(platform: Platform, proxy: FaultProxy) -> Worker:
    worker = platform.spawn_worker(REDIS_URL=proxy.url)
    await until_ready(worker)
    return worker


def _spawns(platform: Platform, proxy: FaultProxy) -> Callable[[], Worker]:
    return lambda: platform.spawn_worker(REDIS_URL=proxy.url)


@pytest.mark.quick
async def test_a_reset_in_mid_job_starts_no_second_copy(
    platform: Platform, proxy: FaultProxy, measure: Measure
) -> None:
    """Injected: every connection of the busy worker is reset after its second step, while another worker is idle.

    Bound: the job goes on where it is, in one attempt, every step paid once.
    """
    await _worker(platform, proxy)
    job_id = await platform.post_story(pages=6)
    await platform.until_steps(job_id, 2)
    await until_ready(platform.spawn_worker())
    proxy.reset()
    watch = Stopwatch()
    await ran_once(platform, job_id)
    measure("connections reset in mid-job, until the job is done", watch.took, bound=12)


async def test_an_idle_worker_whose_connections_went_silent_works_again(
    platform: Platform, proxy: FaultProxy, measure: Measure
) -> None:
    """It reconnects, or its watchdog ends it and another is started.

    Injected: the only worker's connections are silent for ever, new ones work; a job is posted at once.
    Bound: 60 s: 30 s of watchdog, a start, perhaps a lost message.
    """
    async with supervised(_spawns(platform, proxy)) as workers:
        proxy.blackhole(new=False)
        job_id = await platform.post_story(pages=4)
        took = await until_running(platform, job_id, within=90)
        measure(f"only worker deaf, until the job runs (worker {len(workers)})", took, bound=60)
        await completed_once(platform, job_id)


async def test_another_worker_takes_what_a_deaf_one_leaves(
    platform: Platform, proxy: FaultProxy, measure: Measure
) -> None:
    """Injected: one worker's connections go silent, three jobs are posted, a second worker is well.

    Bound: 12 s for the messages that went into the silence; those jobs then wait their turn.
    """
    await _worker(platform, proxy)
    await until_ready(platform.spawn_worker())
    proxy.blackhole()
    watch = Stopwatch()
    jobs = [await platform.post_story(pages=4) for _ in range(3)]
    await completed_once(platform, *jobs, within=40)
    measure("one of two workers deaf, until 3 jobs of 3 s are done", watch.took, bound=25)


@pytest.mark.timeout(200)
async def test_a_job_that_ends_in_the_dark_is_completed_once(
    platform: Platform, proxy: FaultProxy, measure: Measure
) -> None:
    """Its child reconnects and finishes it; the parent may hang until its sockets time out, or the watchdog ends it.

    Injected: the busy worker's connections go silent for ever before its job's last step; new ones work.
    Bound: 30 s to the end of the job; the worker, or its successor, takes the next within 95 s.
    """
    async with supervised(_spawns(platform, proxy)) as workers:
        job_id = await platform.post_story(pages=4)
        await platform.until_steps(job_id, 4)
        proxy.blackhole(new=False)
        watch = Stopwatch()
        await completed_once(platform, job_id, repeats=1, within=30)
        measure("silent while a job ends, until it is done", watch.took, bound=30)
        took = await until_running(platform, await platform.post_story(pages=4), within=120)
        measure(f"silent while a job ended, until the next runs (worker {len(workers)})", took, bound=95)


@pytest.mark.timeout(200)
async def test_redis_silent_for_a_minute(platform: Platform, proxy: FaultProxy, measure: Measure) -> None:
    """Injected: nothing arrives for a minute, on old and new connections, after the job's second step.

    Bound: 45 s from the end of the silence to the end of the job; no saved step is paid again.
    """
    async with supervised(_spawns(platform, proxy)) as workers:
        job_id = await platform.post_story(pages=6)
        saved = await platform.until_steps(job_id, 2)
        proxy.blackhole()
        await pause(60)
        proxy.reset()
        proxy.heal()
        watch = Stopwatch()
        await completed_once(platform, job_id, saved=saved, repeats=2, within=90)
        measure("a minute of silence, until the job is done", watch.took, bound=45)
        assert len(workers) == 1, workers[0].output()


async def test_a_slow_redis_only_makes_it_slow(new_platform: NewPlatform, new_proxy: NewProxy) -> None:
    """Injected: every reply comes 300 ms late, from before the job to its end. Bound: one attempt, within a minute."""
    platform = new_platform(HEADRACE_OFFLINE_DELAY="0.1")
    await platform.start(workers=0)
    proxy = new_proxy(platform)
    await _worker(platform, proxy)
    proxy.delay(0.3)
    await ran_once(platform, await platform.post_story(pages=4), within=60)
