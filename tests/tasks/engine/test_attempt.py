"""How an attempt ends: with a result, a failure, a time limit, or the order to stop."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import BaseModel

from headrace.context import Run, Tools
from headrace.errors import Busy, RateLimited
from jobs import keys, kinds
from jobs.calls import Wait
from jobs.errors import StoreUnavailable
from jobs.leases import Claim, Refusal
from jobs.model import Progress
from jobs.new_job import NewJob
from jobs.rates import Rate
from jobs.states import Reason, State
from jobs.store import JobStore
from tasks.engine.attempt import Attempt, CancellationIgnored
from tasks.engine.attempt import claim as claim_job
from tasks.engine.lease import LeaseThread
from tasks.engine.pipelines import Pipeline
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import desk_of, planned

KIND = kinds.get("story")
Use = Callable[[Pipeline], None]


class Result(BaseModel):
    answer: int


@pytest.fixture
async def leases(tools: Tools) -> AsyncIterator[LeaseThread]:
    thread = LeaseThread(tools.settings)
    yield thread
    thread.close()


@pytest.fixture
def held(store: JobStore) -> Inspector:
    return Inspector(store.redis)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Lets the story kind run another pipeline."""

    def use(pipeline: Pipeline) -> None:
        def get(_kind: str) -> Pipeline:
            return pipeline

        monkeypatch.setattr("tasks.engine.pipelines.get", get)

    return use


async def test_a_claim_whose_first_reply_was_lost_has_its_whole_lease(
    tools: Tools, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = replace(tools, settings=tools.settings.model_copy(update={"heartbeat": timedelta(milliseconds=100)}))
    created = await store.create(NewJob(KIND, {"title": "A", "prompt": "B", "pages": 4}))
    answers = store.claim
    lease_ends: list[float] = []

    async def lose_the_reply(job_id: str, *, worker: str, token: str) -> Claim | Refusal:
        claimed = await answers(job_id, worker=worker, token=token)
        lease_ends.append(float(await store.redis.zscore(keys.LEASES, job_id) or 0))
        if len(lease_ends) == 1:
            raise StoreUnavailable
        return claimed

    monkeypatch.setattr(store, "claim", lose_the_reply)
    asked = time.monotonic()
    claimed, since = await claim_job(created.job_id, quick, worker="tests")
    assert isinstance(claimed, Claim)
    assert lease_ends[0] == lease_ends[1], "a repeat has the first one's lease"
    extended = float(await store.redis.zscore(keys.LEASES, created.job_id) or 0) - lease_ends[0]
    assert extended > 100
    assert since > asked + 0.1


async def _hang(_run: Run, _input: BaseModel) -> BaseModel:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_result_completes_the_job(claim: Claim, tools: Tools, leases: LeaseThread, use: Use) -> None:
    async def answer(run: Run, _input: BaseModel) -> BaseModel:
        await run.progress(0.1, "half", counts={"total": 2, "done": 1})
        await run.progress(0.9, "too soon after it to be told", counts={"total": 2, "done": 2})
        return Result(answer=42)

    use(answer)
    assert await Attempt(claim, KIND, tools, since=time.monotonic()).run(leases) == "completed"
    job = await tools.store.get(claim.job.id)
    assert (job.state, job.result) == (State.COMPLETED, {"answer": 42})
    assert job.progress == Progress(fraction=1.0, phase="done", counts={"total": 2, "done": 2})


async def test_a_fault_in_the_pipeline_fails_the_job_without_its_words(
    claim: Claim, tools: Tools, leases: LeaseThread, use: Use
) -> None:
    async def stumble(_run: Run, _input: BaseModel) -> BaseModel:
        raise ValueError("what the user wrote")

    use(stumble)
    await Attempt(claim, KIND, tools, since=time.monotonic()).run(leases)
    error = (await tools.store.get(claim.job.id)).error
    assert error is not None
    assert error.reason is Reason.INTERNAL_ERROR
    assert "what the user wrote" not in error.message


async def test_the_time_limit_of_the_kind_ends_the_job(
    claim: Claim, tools: Tools, leases: LeaseThread, use: Use
) -> None:
    use(_hang)
    await Attempt(claim, replace(KIND, time_limit=timedelta(milliseconds=100)), tools, since=time.monotonic()).run(
        leases
    )
    job = await tools.store.get(claim.job.id)
    assert (job.state, job.state_reason) == (State.FAILED, Reason.TIME_LIMIT)


async def test_a_wait_that_the_provider_tells_is_not_longer_than_the_longest(
    claim: Claim, tools: Tools, leases: LeaseThread, use: Use, held: Inspector
) -> None:
    async def be_busy(_run: Run, _input: BaseModel) -> BaseModel:
        raise Busy("Come back in the evening.", retry_after=timedelta(hours=8))

    use(be_busy)
    assert await Attempt(claim, KIND, tools, since=time.monotonic()).run(leases) == "scheduled: provider_busy"
    assert await _wait(held, claim) == pytest.approx(tools.settings.retry_max.total_seconds(), abs=5)


async def test_a_job_waits_for_its_booked_slot_however_far_away_that_is(
    claim: Claim, tools: Tools, leases: LeaseThread, use: Use, held: Inspector, store: JobStore
) -> None:
    """In one wait, not in many that would come to use up its attempts."""
    desk, one_a_minute = desk_of(store, tools.settings), Rate(requests=1)
    for number in range(30):
        await desk.admit(claim.lease, planned(f"before:{number}", rate=one_a_minute))

    async def ask(_run: Run, _input: BaseModel) -> BaseModel:
        answer = await desk.admit(claim.lease, planned("page:1#1", rate=one_a_minute))
        assert isinstance(answer, Wait)
        raise RateLimited("There is room later.", retry_after=answer.left)

    use(ask)
    assert await Attempt(claim, KIND, tools, since=time.monotonic()).run(leases) == "scheduled: rate_limited"
    assert await _wait(held, claim) == pytest.approx(30 * 60, abs=5)


async def _wait(held: Inspector, claim: Claim) -> float:
    """Seconds until a scheduled job is due."""
    due = await held.score(keys.SCHEDULED, claim.job.id)
    assert due is not None
    return (due - await held.now()) / 1000


async def test_an_interrupted_job_is_handed_back_without_using_up_the_attempt(
    claim: Claim, tools: Tools, leases: LeaseThread, use: Use
) -> None:
    quick = replace(tools, settings=tools.settings.model_copy(update={"grace": timedelta(milliseconds=50)}))
    use(_hang)
    attempt = Attempt(claim, KIND, quick, since=time.monotonic())
    asyncio.get_running_loop().call_later(0.1, attempt.interrupt)
    assert await attempt.run(leases) == "handed back"
    job = await tools.store.get(claim.job.id)
    assert (job.state, job.state_reason, job.attempt) == (State.QUEUED, Reason.INTERRUPTED, 0)


async def test_an_interrupted_job_that_was_just_done_is_completed(
    claim: Claim, tools: Tools, leases: LeaseThread, use: Use
) -> None:
    async def answer(_run: Run, _input: BaseModel) -> BaseModel:
        attempt.interrupt()
        return Result(answer=42)

    use(answer)
    attempt = Attempt(claim, KIND, tools, since=time.monotonic())
    assert await attempt.run(leases) == "completed"


async def test_a_pipeline_that_goes_on_when_cancelled_is_given_up(
    claim: Claim, tools: Tools, leases: LeaseThread, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job has its state, and the process has to end."""
    monkeypatch.setattr("tasks.engine.attempt.CANCEL_GRACE", 0.1)
    released = asyncio.Event()

    async def retry_while_unavailable(_run: Run, _input: BaseModel) -> BaseModel:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return Result(answer=42)

    use(retry_while_unavailable)
    try:
        with pytest.raises(CancellationIgnored):
            await Attempt(
                claim, replace(KIND, time_limit=timedelta(milliseconds=50)), tools, since=time.monotonic()
            ).run(leases)
        assert (await tools.store.get(claim.job.id)).state_reason is Reason.TIME_LIMIT
    finally:
        released.set()


async def test_a_cancelled_job_is_left_alone(
    claim: Claim, tools: Tools, leases: LeaseThread, use: Use, store: JobStore
) -> None:
    use(_hang)
    attempt = Attempt(claim, KIND, tools, since=time.monotonic())
    running = asyncio.create_task(attempt.run(leases))
    await store.cancel(claim.job.id)
    assert await running == "lost"
    assert (await store.get(claim.job.id)).state is State.CANCELLED
