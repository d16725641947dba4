"""A cancelled job stays cancelled: queued it never runs, running it stops within two seconds."""

import signal
from collections.abc import Callable

import pytest

from tests.support.platform import Platform
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until


@pytest.fixture
def platform(new_platform: Callable[..., Platform]) -> Platform:
    """Provider calls take longer than any test here: only a cancel ends them."""
    return new_platform(HEADRACE_OFFLINE_DELAY="100")


async def _cancel(platform: Platform, job_id: str) -> None:
    response = await platform.client.post(f"/jobs/{job_id}/cancel")
    assert response.json()["state"] == "cancelled"


async def test_a_cancelled_queued_job_never_runs(platform: Platform) -> None:
    """Also when Redis and the workers start anew meanwhile."""
    await platform.start(workers=0)
    job_id = await platform.post_story()
    await _cancel(platform, job_id)
    platform.redis.kill()
    platform.redis.start()
    platform.spawn_worker()
    next_id = await platform.post_story()
    await platform.until_state(next_id, "running", within=20)
    assert platform.ledger.steps(job_id) == []
    assert [event["event"] for event in await platform.events(job_id)] == ["queued", "cancelled"]
    assert await platform.metric("headrace_duplicate_deliveries_refused_total") == 0


async def test_a_cancelled_running_job_stops_within_2_seconds(platform: Platform) -> None:
    """The provider call too: the worker takes the next job."""
    await platform.start()
    job_id = await platform.post_story()
    await wait_until(lambda: platform.ledger.steps(job_id), within=10, what="the provider is asked")
    next_id = await platform.post_story()
    watch = Stopwatch()
    await _cancel(platform, job_id)
    await platform.until_state(next_id, "running", within=60)
    assert watch.took.net < 2

    platform.redis.kill()
    platform.workers[0].signal_all(signal.SIGKILL)
    platform.redis.start()
    platform.spawn_worker()

    async def runs_again() -> bool:
        return (await platform.job(next_id))["attempt"] == 2

    await wait_until(runs_again, within=30, what="the job that was not cancelled runs again")
    assert (await platform.job(job_id))["state"] == "cancelled"
    assert platform.ledger.steps(job_id) == ["outline"]
