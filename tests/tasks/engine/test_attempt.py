"""How an attempt ends: with a result, a failure, a time limit, or the order to stop."""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import structlog
from pydantic import BaseModel

from headrace import JobContext, Step
from headrace.errors import Busy, RateLimited
from jobs import keys, kinds
from jobs.calls import Wait
from jobs.errors import StoreUnavailable
from jobs.kind import Kind, Make
from jobs.leases import Claim, Refusal
from jobs.model import JobError, Progress
from jobs.new_job import NewJob
from jobs.rates import Rate
from jobs.states import Reason, State
from jobs.store import JobStore
from tasks.engine.attempt import Attempt, CancellationIgnored
from tasks.engine.backend import Tools
from tasks.engine.chain import Chain
from tasks.engine.lease import LeaseThread
from tasks.engine.loop_guard import EX_SOFTWARE
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import desk_of, planned

KIND = kinds.get("story")


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


def made_by(pipeline: Make[BaseModel, BaseModel] | str) -> Kind:
    """The story kind, but for how it is made."""
    return replace(KIND, result=Result, make=pipeline)


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
    token = "tests"  # noqa: S105  # not a secret
    chain = Chain(
        quick,
        token=token,
        worker="tests",
        queues=lambda: ["default"],
        goes_on=lambda: True,
        on_answer=lambda: None,
    )
    claimed = await chain.begin(created.job_id)
    assert isinstance(claimed, Claim)
    assert lease_ends[0] == lease_ends[1], "a repeat has the first one's lease"
    extended = float(await store.redis.zscore(keys.LEASES, created.job_id) or 0) - lease_ends[0]
    assert extended > 100
    assert claimed.requested_at > asked + 0.1


async def _hang(_context: JobContext, _input: BaseModel) -> BaseModel:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_result_completes_the_job(claim: Claim, tools: Tools, leases: LeaseThread) -> None:
    async def answer(context: JobContext, _input: BaseModel) -> BaseModel:
        await context.progress(0.1, "half", counts={"total": 2, "done": 1})
        await context.progress(0.9, "too soon after it to be told", counts={"total": 2, "done": 2})
        return Result(answer=42)

    assert str(await Attempt(claim, made_by(answer), tools).run(leases)) == "completed"
    job = await tools.store.get(claim.job.id)
    assert (job.state, job.result) == (State.COMPLETED, {"answer": 42})
    assert job.progress == Progress(fraction=1.0, phase="done", counts={"total": 2, "done": 2})


async def failure_of(pipeline: Make[BaseModel, BaseModel] | str, claim: Claim, tools: Tools) -> JobError:
    """What the job's error says after one attempt; that there was no second is asserted on the way."""
    leases = LeaseThread(tools.settings)
    try:
        await Attempt(claim, made_by(pipeline), tools).run(leases)
    finally:
        leases.close()
    job = await tools.store.get(claim.job.id)
    assert job.error is not None
    assert (job.state, job.attempt) == (State.FAILED, 1)
    return job.error


async def test_a_fault_in_a_step_is_named_without_secrets(claim: Claim, tools: Tools) -> None:
    async def stumble(_step: Step) -> int:
        raise ValueError(
            "no voice 'ann' at https://user:pass@voices.example, token=abcdef123456, key sk-0123456789abcdef"
        )

    async def make(context: JobContext, _input: BaseModel) -> BaseModel:
        await context.step("voice", stumble)
        return Result(answer=1)

    assert await failure_of(make, claim, tools) == JobError(
        reason=Reason.INTERNAL_ERROR,
        message="ValueError: no voice 'ann' at https://[secret]@voices.example, token=[secret], key [secret]",
        stage="voice",
    )


@pytest.mark.slow
async def test_a_long_error_is_shortened(claim: Claim, tools: Tools) -> None:
    async def make(_context: JobContext, _input: BaseModel) -> BaseModel:
        raise ValueError("x" * 10_000)

    assert len((await failure_of(make, claim, tools)).message) < 520


@pytest.mark.parametrize("returned", [{"answer": 42}, None])
async def test_a_pipeline_that_returns_no_result_is_told_so_at_once(
    claim: Claim, tools: Tools, returned: object
) -> None:
    async def make(_context: JobContext, _input: BaseModel) -> Any:  # noqa: ANN401  # the fault
        return returned

    error = await failure_of(make, claim, tools)
    assert error.message == f"the story pipeline returned {type(returned).__name__}; it must return Result."


async def test_sys_exit_ends_the_job_and_not_the_worker(claim: Claim, tools: Tools) -> None:
    async def make(_context: JobContext, _input: BaseModel) -> BaseModel:
        sys.exit("done")

    assert (await failure_of(make, claim, tools)).message.startswith("sys.exit() was called in the pipeline")


async def test_a_pipeline_that_is_not_there_is_told_of(claim: Claim, tools: Tools) -> None:
    error = await failure_of("kinds.story.pipeline:mak", claim, tools)
    assert error.message == (
        "kind 'story': make 'kinds.story.pipeline:mak' cannot be imported:"
        " module 'kinds.story.pipeline' has no attribute 'mak'."
    )


async def test_the_time_limit_of_the_kind_ends_the_job(claim: Claim, tools: Tools, leases: LeaseThread) -> None:
    await Attempt(claim, replace(made_by(_hang), time_limit=timedelta(milliseconds=100)), tools).run(leases)
    job = await tools.store.get(claim.job.id)
    assert (job.state, job.state_reason) == (State.FAILED, Reason.TIME_LIMIT)


@pytest.mark.slow
@pytest.mark.parametrize(("own", "kinds"), [(1, 3600), (3600, 0.1)], ids=["its own", "its kind's"])
async def test_the_shorter_time_limit_ends_the_job(
    claim: Claim, tools: Tools, leases: LeaseThread, own: int, kinds: float
) -> None:
    job = claim.job.model_copy(update={"time_limit_seconds": own})
    kind = replace(made_by(_hang), time_limit=timedelta(seconds=kinds))
    await Attempt(replace(claim, job=job), kind, tools).run(leases)
    error = (await tools.store.get(claim.job.id)).error
    assert error is not None
    assert (error.reason, error.message) == (
        Reason.TIME_LIMIT,
        f"It ran longer than {timedelta(seconds=min(own, kinds))}.",
    )


async def test_a_wait_that_the_provider_tells_is_not_longer_than_the_longest(
    claim: Claim, tools: Tools, leases: LeaseThread, held: Inspector
) -> None:
    async def be_busy(_context: JobContext, _input: BaseModel) -> BaseModel:
        raise Busy("Come back in the evening.", retry_after=timedelta(hours=8))

    assert str(await Attempt(claim, made_by(be_busy), tools).run(leases)) == "scheduled: provider_busy"
    assert await _wait(held, claim) == pytest.approx(tools.settings.retry_max.total_seconds(), abs=5)


async def test_a_job_waits_for_its_booked_slot_however_far_away_that_is(
    claim: Claim, tools: Tools, leases: LeaseThread, held: Inspector, store: JobStore
) -> None:
    """In one wait, not in many that would come to use up its attempts."""
    desk, one_a_minute = desk_of(store, tools.settings), Rate(requests=1)
    for number in range(30):
        await desk.admit(claim.lease, planned(f"before:{number}", rate=one_a_minute))

    async def ask(_context: JobContext, _input: BaseModel) -> BaseModel:
        answer = await desk.admit(claim.lease, planned("page:1#1", rate=one_a_minute))
        assert isinstance(answer, Wait)
        raise RateLimited("There is room later.", retry_after=answer.left)

    assert str(await Attempt(claim, made_by(ask), tools).run(leases)) == "scheduled: rate_limited"
    assert await _wait(held, claim) == pytest.approx(30 * 60, abs=5)


async def _wait(held: Inspector, claim: Claim) -> float:
    """Seconds until a scheduled job is due."""
    due = await held.score(keys.SCHEDULED, claim.job.id)
    assert due is not None
    return (due - await held.now()) / 1000


async def test_an_interrupted_job_is_handed_back_without_using_up_the_attempt(
    claim: Claim, tools: Tools, leases: LeaseThread
) -> None:
    quick = replace(tools, settings=tools.settings.model_copy(update={"grace": timedelta(milliseconds=50)}))
    attempt = Attempt(claim, made_by(_hang), quick)
    asyncio.get_running_loop().call_later(0.1, attempt.interrupt)
    assert str(await attempt.run(leases)) == "handed back"
    job = await tools.store.get(claim.job.id)
    assert (job.state, job.state_reason, job.attempt) == (State.QUEUED, Reason.INTERRUPTED, 0)


async def test_a_job_that_is_lost_while_it_is_to_be_handed_back_is_left_at_once(
    claim: Claim, tools: Tools, leases: LeaseThread
) -> None:
    """Not only when the grace of an hour is over, and without another write."""
    patient = replace(tools, settings=tools.settings.model_copy(update={"grace": timedelta(hours=1)}))
    attempt = Attempt(claim, made_by(_hang), patient)
    running = asyncio.create_task(attempt.run(leases))
    attempt.interrupt()
    await tools.store.cancel(claim.job.id)
    assert str(await asyncio.wait_for(running, timeout=30)) == "lost: cancelled"


async def test_an_interrupted_job_that_was_just_done_is_completed(
    claim: Claim, tools: Tools, leases: LeaseThread
) -> None:
    async def answer(_context: JobContext, _input: BaseModel) -> BaseModel:
        attempt.interrupt()
        return Result(answer=42)

    attempt = Attempt(claim, made_by(answer), tools)
    assert str(await attempt.run(leases)) == "completed"


async def test_a_pipeline_that_goes_on_when_cancelled_is_given_up(
    claim: Claim, tools: Tools, leases: LeaseThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job has its state, and the process has to end."""
    monkeypatch.setattr("tasks.engine.attempt.CANCEL_GRACE", 0.1)
    released = asyncio.Event()

    async def refuse_to_stop(_context: JobContext, _input: BaseModel) -> BaseModel:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return Result(answer=42)

    try:
        with pytest.raises(CancellationIgnored):
            await Attempt(claim, replace(made_by(refuse_to_stop), time_limit=timedelta(milliseconds=50)), tools).run(
                leases
            )
        assert (await tools.store.get(claim.job.id)).state_reason is Reason.TIME_LIMIT
    finally:
        released.set()


async def test_a_cancelled_job_is_left_alone(claim: Claim, tools: Tools, leases: LeaseThread, store: JobStore) -> None:
    attempt = Attempt(claim, made_by(_hang), tools)
    running = asyncio.create_task(attempt.run(leases))
    await store.cancel(claim.job.id)
    assert str(await running) == "lost: cancelled"
    assert (await store.get(claim.job.id)).state is State.CANCELLED


def _render_for(seconds: float) -> Make[BaseModel, BaseModel]:
    async def block(_context: JobContext, _input: BaseModel) -> BaseModel:
        time.sleep(seconds)  # noqa: ASYNC251  # the fault
        return Result(answer=42)

    return block


@pytest.mark.slow
async def test_a_blocked_loop_fails_the_job_by_name_of_the_place(claim: Claim, tools: Tools) -> None:
    """From the lease's thread; in earnest the process ends with it."""
    quick = replace(tools, settings=tools.settings.model_copy(update={"max_loop_block": timedelta(seconds=1)}))
    ended_with: list[int] = []
    leases = LeaseThread(quick.settings, exit_process=ended_with.append)
    try:
        with structlog.testing.capture_logs() as logs:
            outcome = await Attempt(claim, made_by(_render_for(3)), quick).run(leases)
    finally:
        leases.close()

    assert (str(outcome), ended_with) == ("lost: failed", [EX_SOFTWARE])
    job = await tools.store.get(claim.job.id)
    assert job.error is not None
    assert (job.error.reason, job.attempt) == (Reason.INTERNAL_ERROR, 1)
    place = rf"engine/test_attempt\.py:{_render_for.__code__.co_firstlineno + 2} in _render_for\.<locals>\.block"
    assert re.match(rf"The pipeline blocked its event loop for 1 s, at {place}\. Await", job.error.message)
    [warning] = [line for line in logs if line["event"] == "the event loop is blocked"]
    assert re.fullmatch(place, warning["where"])


@pytest.mark.slow
async def test_a_loop_that_is_blocked_beyond_the_jobs_own_time_limit_ends_with_it(
    claim: Claim, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit of which the loop, being blocked, hears nothing."""
    monkeypatch.setattr("tasks.engine.loop_guard.CANCEL_GRACE", 1.0)
    limited = replace(claim, job=claim.job.model_copy(update={"time_limit_seconds": 1}))
    ended_with: list[int] = []
    leases = LeaseThread(tools.settings, exit_process=ended_with.append)
    try:
        await Attempt(limited, made_by(_render_for(4)), tools).run(leases)
    finally:
        leases.close()

    assert ended_with == [EX_SOFTWARE]
    error = (await tools.store.get(claim.job.id)).error
    assert error is not None
    assert error.reason is Reason.TIME_LIMIT


@pytest.mark.slow
async def test_a_loop_that_is_blocked_for_a_moment_is_only_said_to_be(claim: Claim, tools: Tools) -> None:
    ended_with: list[int] = []
    leases = LeaseThread(tools.settings, exit_process=ended_with.append)
    try:
        with structlog.testing.capture_logs() as logs:
            outcome = await Attempt(claim, made_by(_render_for(1.8)), tools).run(leases)
    finally:
        leases.close()

    assert (str(outcome), ended_with) == ("completed", [])
    assert "the event loop is blocked" in [line["event"] for line in logs]


@pytest.mark.slow
async def test_a_cancel_that_a_blocked_loop_does_not_hear_ends_the_process(
    claim: Claim, tools: Tools, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.engine.loop_guard.CANCEL_GRACE", 0.5)
    ended_with: list[int] = []
    leases = LeaseThread(tools.settings, exit_process=ended_with.append)

    async def be_cancelled_and_block(_context: JobContext, _input: BaseModel) -> BaseModel:
        await store.cancel(claim.job.id)
        time.sleep(3)  # noqa: ASYNC251  # the fault
        return Result(answer=42)

    try:
        outcome = await Attempt(claim, made_by(be_cancelled_and_block), tools).run(leases)
    finally:
        leases.close()

    assert (str(outcome), ended_with) == ("lost: cancelled", [EX_SOFTWARE])
    assert (await store.get(claim.job.id)).state is State.CANCELLED
