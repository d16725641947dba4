"""jobs/explanation.py: each state of a job has a sentence that says why, and what to do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.errors import JobNotFound
from jobs.explanation import REASONS, Explanation, explain
from jobs.fleet import Fleet, WorkerReport
from jobs.model import JobError, Progress
from jobs.states import Reason, State
from jobs.store import JobStore
from tests.support.jobs_at_hand import WORKER, ended, queued, running, scheduled
from tests.support.time_travel import end_lease


@pytest.fixture
def fleet(redis: Redis) -> Fleet:
    return Fleet(redis, patience=timedelta(seconds=2))


async def _explain(job_id: str, store: JobStore, fleet: Fleet) -> Explanation:
    return await explain(job_id, store.redis, store, fleet, patience=timedelta(seconds=2))


def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(Reason)


async def test_a_job_that_waits_says_for_how_long_and_behind_whom(without_workers: JobStore, fleet: Fleet) -> None:
    store = without_workers
    await queued(store)
    explanation = await _explain(await queued(store), store, fleet)
    assert explanation.wrong, "no worker is there"
    assert "in queue default; jobs before it: 1" in explanation.why
    assert "This queue has no worker: start one" in explanation.why

    now = datetime.now(UTC)
    await store.report(
        WorkerReport(id="w", host="h", pid=1, version="0", queues=["default"], started_at=now, seen_at=now, jobs=[])
    )
    explanation = await _explain(await queued(store), store, fleet)
    assert not explanation.wrong
    assert "Workers of this queue: 1." in explanation.why


async def test_a_job_that_was_handed_back_says_so(store: JobStore, fleet: Fleet) -> None:
    claim = await running(store)
    await store.hand_back(claim.lease)
    explanation = await _explain(claim.lease.job_id, store, fleet)
    assert "its worker was told to stop and handed it back" in explanation.why


async def test_a_job_that_runs_names_worker_progress_and_what_it_waits_for(store: JobStore, fleet: Fleet) -> None:
    claim = await running(store)
    await store.progress(claim.lease, Progress(fraction=0.5, phase="page", detail="3 of 6"))
    await store.renew(claim.lease, waiting_for="provider", waiting=timedelta(seconds=41))
    explanation = await _explain(claim.lease.job_id, store, fleet)
    assert not explanation.wrong
    assert explanation.why.startswith(f"Worker {WORKER} runs it, attempt 1 of 3: page 3 of 6, 50%.")
    assert "It waits for the provider, 41 s so far." in explanation.why
    assert [item.event for item in explanation.happenings] == ["queued", "running"], "progress is left out"


async def test_a_job_whose_lease_ended_long_ago_is_wrong(store: JobStore, fleet: Fleet) -> None:
    claim = await running(store)
    await end_lease(store.redis, claim.lease.job_id)
    explanation = await _explain(claim.lease.job_id, store, fleet)
    assert explanation.wrong
    assert "the worker is lost. Nobody took the job over: start a worker" in explanation.why


async def test_a_job_put_off_says_until_when_and_why(store: JobStore, fleet: Fleet) -> None:
    claim = await scheduled(store)
    explanation = await _explain(claim.lease.job_id, store, fleet)
    assert not explanation.wrong
    assert "because the provider is asked too often. The provider answered 429." in explanation.why
    assert "due in 3600 s" in explanation.why


@pytest.mark.parametrize(
    ("state", "wrong", "said"),
    [
        (State.COMPLETED, False, "It is completed at "),
        (State.CANCELLED, False, "because a client asked for it."),
        (State.FAILED, True, "KeyError: 'pages' POST /jobs/"),
        (State.EXPIRED, True, "because no worker took it in time. POST /jobs/"),
    ],
)
async def test_an_ended_job_says_how(store: JobStore, fleet: Fleet, state: State, wrong: bool, said: str) -> None:
    explanation = await _explain(await ended(store, state), store, fleet)
    assert explanation.wrong is wrong
    assert said in explanation.why
    assert explanation.happenings[-1].event == state


async def test_a_retried_job_names_its_retry(store: JobStore, fleet: Fleet) -> None:
    job_id = await ended(store, State.FAILED)
    retry = (await store.retry(job_id)).job_id
    assert f"Job {retry} retries it." in (await _explain(job_id, store, fleet)).why


async def test_an_unknown_job_is_said_to_be_unknown(store: JobStore, fleet: Fleet) -> None:
    with pytest.raises(JobNotFound):
        await _explain("nobody", store, fleet)


async def test_a_job_that_no_worker_can_run_is_wrong(store: JobStore, fleet: Fleet) -> None:
    claim = await running(store)
    why = JobError(reason=Reason.NO_CAPABLE_WORKER, message="A worker cannot run it: it has no podcasts.")
    await store.retry_later(claim.lease, why, wait=timedelta(seconds=5))
    explanation = await _explain(claim.lease.job_id, store, fleet)
    assert explanation.wrong
    assert "they lack its kind, or are of an older version. A worker cannot run it: it has no podc" in explanation.why


async def test_a_reason_of_a_newer_version_is_named(store: JobStore, fleet: Fleet) -> None:
    claim = await scheduled(store)
    client: Any = store.redis
    await client.hset(keys.job(claim.lease.job_id), "state_reason", "moon_in_the_way")
    explanation = await _explain(claim.lease.job_id, store, fleet)
    assert "because of moon_in_the_way, which a newer version of Headrace has written" in explanation.why
