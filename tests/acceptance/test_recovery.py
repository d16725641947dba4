"""A job survives its worker: what was saved is not paid for again, and the rest runs elsewhere within seconds."""

import os
import signal
from collections import Counter

from jobs.celery_app import create_celery
from jobs.settings import Settings
from tests.support.platform import Platform
from tests.support.stopwatch import Stopwatch, Took
from tests.support.waiting import wait_until

CALLS = ["outline", *(f"page:{number}" for number in range(1, 7))]


async def _until_attempt(platform: Platform, job_id: str, attempt: int, *, within: float) -> Took:
    """Waits until that attempt runs; returns how long that took."""
    watch = Stopwatch()

    async def runs() -> bool:
        events = await platform.events(job_id)
        return any(event["event"] == "running" and event["data"]["attempt"] == attempt for event in events)

    await wait_until(runs, within=within, what=f"attempt {attempt} runs")
    return watch.took


async def _finished_without_repeating(platform: Platform, job_id: str, saved: list[str], *, cut_short: int) -> None:
    """The job completes once, and no saved step was asked of the provider again."""
    await platform.until_state(job_id, "completed", within=30)
    calls = Counter(platform.ledger.steps(job_id))
    assert set(calls) == set(CALLS)
    assert {step: calls[step] for step in saved if step in calls} == dict.fromkeys(saved, 1)
    assert calls.total() <= len(CALLS) + cut_short
    events = [event["event"] for event in await platform.events(job_id)]
    assert events.count("completed") == 1
    assert events[-1] == "completed"


async def test_a_lost_child_is_replaced_and_the_job_goes_on_within_3_seconds(platform: Platform) -> None:
    await platform.start()
    job_id = await platform.post_story(pages=6)
    saved = await platform.until_steps(job_id, 3)
    os.kill(platform.workers[0].child, signal.SIGKILL)
    assert (await _until_attempt(platform, job_id, 2, within=10)).net < 3
    await _finished_without_repeating(platform, job_id, saved, cut_short=1)
    assert await platform.metric("headrace_children_lost_total") == 1
    assert await platform.metric("headrace_steps_reused_total") >= len(saved)


async def test_a_lost_worker_is_replaced_by_another_within_12_seconds(platform: Platform) -> None:
    """A lease of 8 s, a sweep every 2 s with jitter, and the pick-up."""
    await platform.start(workers=2)
    job_id = await platform.post_story(pages=6)
    saved = await platform.until_steps(job_id, 3)
    holder = (await platform.job(job_id))["worker"]
    worker = next(worker for worker in platform.workers if f":{worker.pid}:" in holder)
    worker.signal_all(signal.SIGKILL)
    assert (await _until_attempt(platform, job_id, 2, within=20)).net < 12
    assert (await platform.job(job_id))["worker"] != holder
    await _finished_without_repeating(platform, job_id, saved, cut_short=1)
    assert await platform.metric("headrace_leases_expired_total") == 1


async def test_a_stopping_worker_hands_its_job_back_within_3_seconds(platform: Platform) -> None:
    """The attempt is not used up, and the worker is gone."""
    await platform.start()
    job_id = await platform.post_story(pages=6)
    saved = await platform.until_steps(job_id, 2)
    worker = platform.workers[0]
    worker.signal(signal.SIGTERM)
    job = await platform.until_state(job_id, "queued", within=3)
    assert (job["state_reason"], job["attempt"]) == ("interrupted", 0)
    await wait_until(lambda: worker.exit_code is not None, within=5, what="the worker has stopped")
    assert worker.exit_code == 0, worker.output()

    platform.spawn_worker()
    await _finished_without_repeating(platform, job_id, saved, cut_short=1)
    assert (await platform.job(job_id))["attempt"] == 1


async def test_a_worker_shut_down_from_afar_hands_its_job_back_too(platform: Platform) -> None:
    """As by the button of Flower, or `celery control shutdown`: no signal comes."""
    await platform.start()
    job_id = await platform.post_story(pages=12)
    await platform.until_steps(job_id, 1)
    worker = platform.workers[0]
    create_celery(Settings.model_validate({"redis_url": platform.redis.url})).control.shutdown()
    await wait_until(lambda: worker.exit_code is not None, within=30, what="the worker has stopped")
    job = await platform.job(job_id)
    assert (job["state"], job["state_reason"], job["attempt"]) == ("queued", "interrupted", 0)


async def test_a_worker_stalled_past_its_lease_writes_nothing_more(platform: Platform) -> None:
    """Continued, it finds that its time was up or its fence refused; the other worker's run is the one that counts."""
    await platform.start(workers=2)
    job_id = await platform.post_story(pages=6)
    saved = await platform.until_steps(job_id, 2)
    holder = (await platform.job(job_id))["worker"]
    stalled = next(worker for worker in platform.workers if f":{worker.pid}:" in holder)
    stalled.signal_all(signal.SIGSTOP)
    await _until_attempt(platform, job_id, 2, within=20)
    stalled.signal_all(signal.SIGCONT)
    await wait_until(lambda: "outcome=" in stalled.output(), within=10, what="the stalled worker gives up")
    assert "outcome=lost" in stalled.output().replace("'", "")
    await _finished_without_repeating(platform, job_id, saved, cut_short=2)
    assert (await platform.job(job_id))["worker"] != holder
