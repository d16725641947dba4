"""A worker that lives but does not work ends itself, and its successor works."""

from tests.chaos.checks import completed_once, supervised, until_running
from tests.chaos.conftest import Measure, NewPlatform, NewProxy, SpawnMisbehaving
from tests.support.platform import Platform
from tests.support.processes import Worker
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until


async def test_a_lost_acknowledgement_wedges_a_worker_and_the_watchdog_replaces_it(
    platform: Platform, new_proxy: NewProxy, measure: Measure
) -> None:
    """It costs a Celery worker its only prefetch credit: no other job begins, and `inspect ping` would say pong.

    Injected: the reply to an acknowledgement is lost with its connection. The job at hand ends well.
    Bound, with the default watchdog of 30 s: the worker exits non-zero and another job runs within 60 s of its post.
    """
    await platform.start(workers=0)
    proxy = new_proxy(platform)
    async with supervised(lambda: platform.spawn_worker(REDIS_URL=proxy.url)) as workers:
        with proxy.losing_a_reply(to=b"ZREM\r\n$13\r\nunacked_index"):
            job_id = await platform.post_story(pages=4)
            await until_running(platform, job_id, within=15)
        await completed_once(platform, job_id)
        watch = Stopwatch()
        next_id = await platform.post_story(pages=4)
        await until_running(platform, next_id, within=90)
        measure("acknowledgement lost, until the next job runs", watch.took, bound=60)
        await completed_once(platform, next_id)
        assert "Couldn't ack" in workers[0].output()
        assert len(workers) == 2
        assert workers[0].exit_code not in {0, None}


async def test_a_loop_that_hangs_on_a_dead_connection_is_replaced(
    new_platform: NewPlatform, new_proxy: NewProxy, spawn_misbehaving: SpawnMisbehaving, measure: Measure
) -> None:
    """A read on a dead connection holds up all that Celery does.

    Injected: the worker's connections of now go silent, and its broker connection has ten minutes of patience in place
    of 30 s.
    Bound, with a watchdog of 5 s: exit non-zero and the job runs within 45 s; 90 s with the default of 30 s.
    """
    platform = new_platform(HEADRACE_OFFLINE_DELAY="0.5", HEADRACE_WATCHDOG="5s")
    await platform.start(workers=0)
    proxy = new_proxy(platform)

    def spawn() -> Worker:
        return spawn_misbehaving(platform, REDIS_URL=proxy.url, CHAOS_SOCKET_TIMEOUT="600")

    async with supervised(spawn) as workers:
        proxy.blackhole(new=False)
        job_id = await platform.post_story(pages=4)
        took = await until_running(platform, job_id, within=90)
        measure("event loop hangs, until the job runs elsewhere", took, bound=45)
        await completed_once(platform, job_id)
        assert workers[0].exit_code not in {0, None}
        await wait_until(lambda: "this worker does not work" in workers[0].output(), within=1, what="it said why")
