"""A kind that calls a vendor's own SDK: under the rates and budgets of all, and retried as our own providers are."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel
from pytest_httpserver import HTTPServer

from headrace import Busy, Estimate, JobContext, Kind, Reason, Step
from jobs.leases import Claim
from jobs.model import Job, UsageItem
from jobs.new_job import NewJob
from jobs.states import State
from jobs.store import JobStore
from jobs.usage import UsageLog
from tasks.engine.attempt import Attempt
from tasks.engine.backend import Tools
from tasks.engine.lease import LeaseThread
from tasks.engine.metering import Meter
from tests.support.acme import OutOfVoices, speak

ESTIMATE = Estimate(input_tokens=5, output_tokens=5, cost=0.02)


class Asked(BaseModel):
    text: str = "Queues"


class Spoken(BaseModel):
    tokens: int


def busy_of(error: Exception) -> Busy:
    return Busy(str(error))


KNOWN: list[Any] = [{OutOfVoices: Busy}, {"tests.support.acme.OutOfVoices": Busy}, busy_of]


@pytest.fixture
async def leases(tools: Tools) -> AsyncIterator[LeaseThread]:
    thread = LeaseThread(tools.settings)
    yield thread
    thread.close()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.step.FIRST_WAIT", timedelta(milliseconds=1))


def kind_at(server: HTTPServer, *, says_usage: bool = True) -> Kind:
    async def make(job: JobContext, asked: Asked) -> Spoken:
        async def voice(step: Step) -> int:
            async def call() -> int:
                async with step.metered("acme", "voice-2", estimate=ESTIMATE) as metered:
                    tokens = await speak(server.url_for("/speak"), asked.text)
                    if says_usage:
                        metered.used(output_tokens=tokens, cost=0.03)
                    return tokens

            return await step.ask(call)

        return Spoken(tokens=await job.step("voice", voice))

    return Kind(name="spoken", path="/spoken", input=Asked, result=Spoken, summary="", make=make)


async def run(kind: Kind, tools: Tools, leases: LeaseThread, *, max_cost: str | None = None) -> Job:
    """One attempt at a new job."""
    created = await tools.store.create(NewJob(kind, {}, max_cost=Decimal(max_cost) if max_cost else None))
    claim = await tools.store.claim(created.job_id, worker="tests", token=created.job_id)
    assert isinstance(claim, Claim)
    await Attempt(claim, kind, tools).run(leases)
    return await tools.store.get(created.job_id)


async def test_a_call_counts_in_its_job_and_in_the_usage_of_the_day(
    httpserver: HTTPServer, tools: Tools, store: JobStore, leases: LeaseThread
) -> None:
    httpserver.expect_request("/speak").respond_with_json({"tokens": 7})

    job = await run(kind_at(httpserver), tools, leases)

    item = UsageItem(provider="acme", model="voice-2", output_tokens=7, calls=1, cost=0.03)
    assert (job.state, job.usage) == (State.COMPLETED, [item])
    today = datetime.now(UTC).date()
    days = await UsageLog(store.redis, patience=timedelta(seconds=5)).days(today - timedelta(days=1), today)
    assert [day.usage for day in days] == [[item]]


async def test_a_call_that_does_not_say_what_it_used_counts_as_estimated(
    httpserver: HTTPServer, tools: Tools, leases: LeaseThread
) -> None:
    httpserver.expect_request("/speak").respond_with_json({"tokens": 7})

    job = await run(kind_at(httpserver, says_usage=False), tools, leases)

    assert job.usage == [
        UsageItem(provider="acme", model="voice-2", input_tokens=5, output_tokens=5, calls=1, cost=0.02)
    ]


async def test_a_budget_refuses_the_call_before_it_is_made(
    httpserver: HTTPServer, tools: Tools, leases: LeaseThread
) -> None:
    job = await run(kind_at(httpserver), tools, leases, max_cost="0.01")

    assert job.error is not None
    assert (job.error.reason, job.error.stage) == (Reason.BUDGET_EXCEEDED, "voice")
    assert httpserver.log == []


async def test_two_workers_share_the_rate(
    httpserver: HTTPServer, tools: Tools, store: JobStore, leases: LeaseThread
) -> None:
    httpserver.expect_request("/speak").respond_with_json({"tokens": 7})
    limited = tools.settings.model_copy(update={"rates": "acme/*=1rpm"})
    one, other = (replace(tools, meter=Meter(limited, store)) for _ in range(2))

    assert (await run(kind_at(httpserver), one, leases)).state is State.COMPLETED
    second = await run(kind_at(httpserver), other, leases)

    assert second.error is not None
    assert (second.state, second.error.reason) == (State.SCHEDULED, Reason.RATE_LIMITED)
    assert len(httpserver.log) == 1


@pytest.mark.slow
async def test_asked_too_often_waits_as_told(httpserver: HTTPServer, tools: Tools, leases: LeaseThread) -> None:
    httpserver.expect_ordered_request("/speak").respond_with_data("slow down", 429, {"Retry-After": "1"})
    httpserver.expect_ordered_request("/speak").respond_with_json({"tokens": 7})

    begun = time.monotonic()
    job = await run(kind_at(httpserver), tools, leases)

    assert job.state is State.COMPLETED
    assert time.monotonic() - begun > 0.9
    assert [item.calls for item in job.usage] == [2]


async def test_a_long_wait_frees_the_worker_and_pauses_the_model_for_all(
    httpserver: HTTPServer, tools: Tools, leases: LeaseThread
) -> None:
    httpserver.expect_request("/speak").respond_with_data("slow down", 429, {"Retry-After": "30"})

    first, second = [await run(kind_at(httpserver), tools, leases) for _ in range(2)]

    assert first.error is not None
    assert (first.state, first.error.reason) == (State.SCHEDULED, Reason.PROVIDER_BUSY)
    assert second.error is not None
    assert second.error.reason is Reason.RATE_LIMITED
    assert len(httpserver.log) == 1


async def test_server_errors_are_tried_again(httpserver: HTTPServer, tools: Tools, leases: LeaseThread) -> None:
    httpserver.expect_ordered_request("/speak").respond_with_data("oops", 503)
    httpserver.expect_ordered_request("/speak").respond_with_json({"tokens": 7})

    job = await run(kind_at(httpserver), tools, leases)

    assert (job.state, [(item.calls, item.cost) for item in job.usage]) == (State.COMPLETED, [(2, 0.03)])


async def test_a_bad_request_fails_the_job_with_stage_and_text(
    httpserver: HTTPServer, tools: Tools, leases: LeaseThread
) -> None:
    httpserver.expect_request("/speak").respond_with_data("no such voice; api_key=abcdefghijk", 400)

    job = await run(kind_at(httpserver), tools, leases)

    assert job.error is not None
    assert (job.state, job.error.reason, job.error.stage) == (State.FAILED, Reason.PROVIDER_REJECTED, "voice")
    assert job.error.message == "AcmeError: no such voice; api_key=[secret]"
    assert len(httpserver.log) == 1


@pytest.mark.slow
async def test_an_exception_that_only_the_kind_knows(httpserver: HTTPServer, tools: Tools, leases: LeaseThread) -> None:
    """Without the kind's word, it is a fault of the pipeline."""
    httpserver.expect_ordered_request("/speak").respond_with_json({})
    kind = kind_at(httpserver)

    unknown = await run(kind, tools, leases)

    assert unknown.error is not None
    assert (unknown.error.reason, unknown.error.stage) == (Reason.INTERNAL_ERROR, "voice")
    for errors in KNOWN:
        httpserver.clear()
        httpserver.expect_ordered_request("/speak").respond_with_json({})
        httpserver.expect_ordered_request("/speak").respond_with_json({"tokens": 7})
        known = await run(replace(kind, errors=errors), tools, leases)
        assert known.state is State.COMPLETED
