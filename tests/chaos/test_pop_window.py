"""A message is popped, and nobody has it: the window between the broker's pop and the note that it was popped."""

import signal

import pytest

from tests.chaos.checks import completed_once, direct, nothing_left, until_ready, until_running
from tests.chaos.conftest import Measure, NewProxy
from tests.support.jobs_at_hand import LANE
from tests.support.platform import Platform


@pytest.mark.quick
async def test_a_message_that_a_dying_worker_popped_is_pushed_again(platform: Platform, measure: Measure) -> None:
    """The job is there, its message is not, and no worker has it.

    Injected: the idle worker is stopped with its BRPOP armed, a job is posted, Redis gives the message to nobody, and
    the worker is killed. A replacement starts.
    Bound: 14 s from the post, of which 5 s are the grace for messages.
    """
    await platform.start()
    stopped = platform.workers[0]
    stopped.signal_all(signal.SIGSTOP)
    job_id = await platform.post_story(pages=4)
    with direct(platform) as redis:
        # Redis gives it to the armed BRPOP at once; had that just run out, its second half is done here.
        redis.rpop(LANE)
        assert redis.llen(LANE) == 0
        assert redis.hlen("unacked") == 0
    stopped.signal_all(signal.SIGKILL)
    platform.spawn_worker()
    measure("popped and lost, until it runs", await until_running(platform, job_id, within=20), bound=14)
    await completed_once(platform, job_id)
    assert await platform.metric("headrace_messages_lost_total") == 1
    nothing_left(platform)


async def test_a_message_that_could_not_be_noted_is_pushed_again(
    platform: Platform, new_proxy: NewProxy, measure: Measure
) -> None:
    """The other half of the window: popped by a worker that lives on, and forgets it.

    Injected: the reply to the note "unacknowledged" is lost with its connection, right after the pop.
    Bound: 14 s from the post. The note itself stays for the visibility timeout, a minute; then it is refused.
    """
    await platform.start(workers=0)
    proxy = new_proxy(platform)
    worker = platform.spawn_worker(REDIS_URL=proxy.url)
    await until_ready(worker)
    with proxy.losing_a_reply(to=b"unacked_index"):
        job_id = await platform.post_story(pages=4)
        measure("popped and not noted, until it runs", await until_running(platform, job_id, within=45), bound=14)
    await completed_once(platform, job_id)
    await completed_once(platform, await platform.post_story(pages=4), within=60)
