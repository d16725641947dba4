"""finish.lua: running -> completed or failed."""

import json

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.errors import LeaseLost
from jobs.leases import Lease
from jobs.model import FileRef, JobError, Reused
from jobs.settings import Settings
from jobs.states import Reason
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import BROKEN, claimed, running, scheduled, story
from tests.support.time_travel import end_lease, make_retry_due, rewrite, sweep

PDF = FileRef(name="book.pdf", key="a/b/book.pdf", content_type="application/pdf", size=3)
PNG = FileRef(name="page-1.png", key="a/b/page-1.png", content_type="image/png", size=2_000_000)
REUSED = Reused(steps=2, cost=0.04)


async def test_a_completed_job_has_its_result(store: JobStore) -> None:
    claim = await running(store)

    await store.complete(claim.lease, result={"title": "Füchse"}, files=[PDF], reused=REUSED)

    job = await store.get(claim.lease.job_id)
    assert (job.state, job.state_reason, job.error) == ("completed", None, None)
    assert (job.result, job.files, job.reused) == ({"title": "Füchse"}, [PDF], REUSED)
    assert job.finished_at is not None


async def test_a_failed_job_has_its_error(store: JobStore) -> None:
    claim = await running(store)
    error = JobError(reason=Reason.CONTENT_REJECTED, message="Not for children.", stage="page 2")

    await store.fail(claim.lease, error, reused=REUSED)

    job = await store.get(claim.lease.job_id)
    assert (job.state, job.state_reason, job.error) == ("failed", Reason.CONTENT_REJECTED, error)
    assert (job.result, job.reused) == (None, REUSED)


@pytest.mark.parametrize("end", ["failed by its worker's parent", "lost", "cancelled"])
async def test_a_job_that_ends_without_its_worker_has_the_files_of_its_saved_steps(store: JobStore, end: str) -> None:
    """They are paid for, and listed as the worker would have."""
    claim = await running(store, story(max_attempts=1))
    for name, step in [("page:1", [PNG, PDF]), ("outline", [])]:
        kept = {"phase": 0, "value": "drawn", "files": [ref.model_dump() for ref in step]}
        await store.save_step(claim.lease, name, json.dumps(kept), files=step)

    if end == "lost":
        await store.lose(claim.lease)
    elif end == "cancelled":
        await store.cancel(claim.lease.job_id)
    else:
        await store.fail(claim.lease, BROKEN)

    assert (await store.get(claim.lease.job_id)).files == [PDF, PNG]


async def test_completion_is_the_last_event(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.complete(claim.lease, result={})

    assert await held.events(claim.lease.job_id) == ["queued", "running", "completed"]
    assert await held.last_event(claim.lease.job_id) == {"state": "completed"}


async def test_the_event_of_a_failure_says_why(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.fail(claim.lease, BROKEN)

    assert await held.last_event(claim.lease.job_id) == {
        "state": "failed",
        "reason": "internal_error",
        "error": {"reason": "internal_error", "message": "KeyError: 'pages'", "stage": None},
    }


async def test_an_earlier_attempts_error_is_not_a_completed_jobs(store: JobStore, redis: Redis) -> None:
    first = await scheduled(store)
    await make_retry_due(redis, first.lease.job_id)
    await sweep(store)
    second = await claimed(store, first.lease.job_id)

    await store.complete(second.lease, result={})

    assert (await store.get(first.lease.job_id)).error is None


async def test_a_finished_job_keeps_no_lease_and_changes_index(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.complete(claim.lease, result={})

    assert await held.members(keys.LEASES) == []
    assert await held.indexed(claim.lease.job_id) == {
        "hr:index:all",
        "hr:index:state:completed",
        "hr:index:kind:story",
    }


async def test_every_key_of_a_finished_job_ends(store: JobStore, held: Inspector, settings: Settings) -> None:
    claim = await running(store, story(user_id="ann"))
    await store.save_step(claim.lease, "outline", "1")

    await store.complete(claim.lease, result={})

    names = await held.names(f"hr:job:{claim.lease.job_id}*")
    assert len(names) == 4
    for name in names:
        assert 0 < await held.seconds_left(name) <= settings.retention.total_seconds()


async def test_a_finished_job_keeps_no_message_or_lease_in_its_record(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    await store.renew(claim.lease, waiting_for="provider")

    await store.complete(claim.lease, result={})

    gone = {"message", "lease_until", "waiting_for", "waiting_since"}
    assert gone.isdisjoint(await held.record(claim.lease.job_id))


async def test_only_failed_jobs_are_dead_letters(store: JobStore, held: Inspector) -> None:
    good, bad = await running(store), await running(store)

    await store.complete(good.lease, result={})
    await store.fail(bad.lease, BROKEN)

    assert await held.members(keys.DEAD) == [bad.lease.job_id]


async def test_ends_are_counted_by_kind_and_state(store: JobStore, held: Inspector) -> None:
    for _ in range(2):
        await store.complete((await running(store)).lease, result={})
    await store.fail((await running(store)).lease, BROKEN)

    counters = await held.counters()
    assert (counters["finished:story:completed"], counters["finished:story:failed"]) == (2, 1)


async def test_the_run_is_measured(store: JobStore, redis: Redis, held: Inspector) -> None:
    claim = await running(store)
    await rewrite(redis, claim.lease.job_id, running_since=await held.now() - 40_000)

    await store.complete(claim.lease, result={})

    assert await held.counter("run_seconds:story:60") == 1
    assert 40_000 <= await held.counter("run_seconds:story:sum") < 42_000


async def test_a_worker_that_lost_its_lease_cannot_finish(store: JobStore, redis: Redis, held: Inspector) -> None:
    old = await running(store)
    await end_lease(redis, old.lease.job_id)
    await sweep(store)
    await claimed(store, old.lease.job_id, worker="worker-2@host")

    with pytest.raises(LeaseLost, match="running"):
        await store.complete(old.lease, result={"from": "the old worker"})

    assert "result" not in await held.record(old.lease.job_id)
    assert await held.counter("writes_refused") == 1


async def test_a_late_completion_of_a_job_that_waits_again_is_refused(store: JobStore, redis: Redis) -> None:
    """No other worker has it yet, but one may any moment."""
    claim = await running(store)
    await end_lease(redis, claim.lease.job_id)
    await sweep(store)

    with pytest.raises(LeaseLost, match="queued"):
        await store.complete(claim.lease, result={})


async def test_a_cancelled_job_stays_cancelled(store: JobStore) -> None:
    claim = await running(store)
    await store.cancel(claim.lease.job_id)

    with pytest.raises(LeaseLost, match="cancelled"):
        await store.complete(claim.lease, result={})

    assert (await store.get(claim.lease.job_id)).state == "cancelled"


async def test_a_failure_after_completion_is_refused(store: JobStore) -> None:
    claim = await running(store)
    await store.complete(claim.lease, result={"title": "The Fox"})

    with pytest.raises(LeaseLost, match="completed"):
        await store.fail(claim.lease, BROKEN)

    assert (await store.get(claim.lease.job_id)).error is None


async def test_an_unknown_job_cannot_finish(store: JobStore, held: Inspector) -> None:
    with pytest.raises(LeaseLost, match="gone"):
        await store.complete(Lease("00000000-0000-0000-0000-000000000000", fence=1, claim="none"), result={})

    assert await held.names("hr:job:*") == []


async def test_a_completion_whose_reply_was_lost_is_one_event(lossy: Lossy, held: Inspector) -> None:
    claim = await running(lossy.store)

    with lossy.proxy.losing_a_reply():
        await lossy.store.complete(claim.lease, result={})

    assert await held.events(claim.lease.job_id) == ["queued", "running", "completed"]
    assert await held.counter("finished:story:completed") == 1
    assert await held.counter("writes_refused") == 0


async def test_a_failure_whose_reply_was_lost_is_one_event(lossy: Lossy, held: Inspector) -> None:
    claim = await running(lossy.store)

    with lossy.proxy.losing_a_reply():
        await lossy.store.fail(claim.lease, BROKEN)

    assert await held.events(claim.lease.job_id) == ["queued", "running", "failed"]
    assert await held.counter("finished:story:failed") == 1
