"""The provider of a job: admitted before each call, settled after it, whatever comes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from headrace import JobContext
from headrace.errors import Busy, InvalidAnswer, ProviderError, RateLimited, Rejected, Unavailable
from headrace.generated import GeneratedInput
from headrace.provider import Answer, Image, ImageRequest, Provider, Text, TextRequest
from headrace.step import STEP_TRIES, Step
from headrace.usage import Usage
from jobs.calls import Wait
from jobs.errors import LeaseLost
from jobs.events import EventLog
from jobs.leases import Claim
from jobs.model import UsageItem
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.states import Reason
from jobs.store import JobStore
from tasks.engine.backend import LeasedJob, Tools
from tasks.engine.metering import Meter
from tasks.providers.registry import Chosen, Providers
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import running, story
from tests.support.waiting import wait_until

PRICES = """\
updated = 2026-11-22
[models]
"paid/writer" = { input = 1, output = 2, expect_output = 500 }
"paid/painter" = { image = 0.04, expect_output = 0 }
"""


class Words(BaseModel):
    text: str = ""


@dataclass
class PaidProvider:
    """Answers after what `failures` has for its next calls: an error, or something to wait for."""

    failures: list[ProviderError | Awaitable[object]] = field(default_factory=list[Any])
    calls: int = 0
    name: str = "paid"
    text_model: str = "writer"
    image_model: str = "painter"

    async def text(self, request: TextRequest[Answer]) -> Text[Answer]:
        await self._begin()
        return Text(request.answer(), Usage(self.name, "writer-2026-11", input_tokens=100, output_tokens=50))

    async def image(self, request: ImageRequest) -> Image:
        del request
        await self._begin()
        return Image(b"", Usage(self.name, self.image_model, images=1))

    async def aclose(self) -> None:
        """Nothing is held open."""

    async def _begin(self) -> None:
        self.calls += 1
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, ProviderError):
                raise failure
            await failure


class OnlyPaid(Providers):
    """Whatever a job asks for, the paid provider does it."""

    def __init__(self, settings: Settings, paid: PaidProvider) -> None:
        super().__init__(settings)
        self._paid = paid

    def choose(self, requested: GeneratedInput) -> Chosen:
        async def open_paid() -> Provider:
            return self._paid

        return Chosen("openai", open_paid, requested.model, requested.image_model)


@dataclass
class Bench:
    """A claimed job whose provider takes money."""

    tools: Tools
    store: JobStore
    provider: PaidProvider

    async def claim(self, new: NewJob | None = None) -> Claim:
        return await running(self.store, new)

    def run(self, claim: Claim) -> JobContext:
        return JobContext(LeasedJob(claim.lease, self.tools), claim.steps)

    async def used(self, claim: Claim) -> list[UsageItem]:
        return (await self.store.get(claim.job.id)).usage


NewBench = Callable[..., Bench]


@pytest.fixture
def bench(tools: Tools, store: JobStore, settings: Settings, tmp_path: Any) -> NewBench:  # noqa: ANN401  # a Path
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)

    def new(**changes: object) -> Bench:
        changed = settings.model_copy(update={"prices": prices, **changes})
        provider = PaidProvider()
        meter = Meter(changed, store)
        return Bench(
            replace(tools, settings=changed, providers=OnlyPaid(changed, provider), meter=meter), store, provider
        )

    return new


async def _write(step: Step) -> str:
    return (await step.text("Write.", facts={"title": "The Fox"}, answer=Words)).text


async def _paint(step: Step) -> int:
    return len((await step.image("a fox", scene={})).png)


async def test_a_step_and_its_job_say_what_they_cost(bench: NewBench) -> None:
    paid = bench()
    claim = await paid.claim()

    await paid.run(claim).step("outline", _write, str)
    await paid.run(claim).step("page:1", _paint, int)

    assert await paid.used(claim) == [
        UsageItem(provider="paid", model="painter", images=1, calls=1, cost=0.04),
        UsageItem(provider="paid", model="writer", input_tokens=100, output_tokens=50, calls=1, cost=0.0002),
    ]
    told = await Inspector(paid.store.redis).last_event(claim.job.id)
    assert [item["cost"] for item in told["usage"]] == [0.04]


async def test_the_next_attempt_says_what_it_did_not_pay_for(bench: NewBench) -> None:
    paid = bench()
    claim = await paid.claim()
    await paid.run(claim).step("page:1", _paint, int)
    await paid.store.hand_back(claim.lease)
    again = await paid.store.claim(claim.job.id, worker="tests", token="again")  # noqa: S106  # not a secret
    assert isinstance(again, Claim)

    context = paid.run(again)
    await context.step("page:1", _paint, int)

    assert (context.reused.steps, context.reused.cost) == (1, 0.04)
    assert [item.calls for item in await paid.used(claim)] == [1]


async def test_failed_calls_are_counted_and_cost_what_they_used(
    bench: NewBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal is free, an answer of no use is not."""
    monkeypatch.setattr("headrace.step.FIRST_WAIT", timedelta(milliseconds=1))
    paid = bench()
    claim = await paid.claim()
    useless = Rejected("it cannot be read", reason=Reason.PROVIDER_REJECTED)
    useless.usage = Usage("paid", "writer", input_tokens=100, output_tokens=500)
    paid.provider.failures = [Unavailable("away"), useless]

    with pytest.raises(Rejected):
        await paid.run(claim).step("outline", _write, str)

    assert await paid.used(claim) == [
        UsageItem(provider="paid", model="writer", input_tokens=100, output_tokens=500, calls=2, cost=0.0011)
    ]


async def test_an_answer_of_no_use_is_among_what_its_step_used(bench: NewBench) -> None:
    """What a later attempt does not pay again is both: the answer that was of no use, and the one after it."""
    paid = bench()
    claim = await paid.claim()
    useless = InvalidAnswer("no JSON", usage=Usage("paid", "writer", input_tokens=100, output_tokens=500))
    paid.provider.failures = [useless]

    await paid.run(claim).step("outline", _write, str)

    told = await Inspector(paid.store.redis).last_event(claim.job.id)
    assert [(item["output_tokens"], item["cost"]) for item in told["usage"]] == [(500, 0.0011), (50, 0.0002)]


async def test_a_call_over_budget_is_not_made(bench: NewBench) -> None:
    """The job fails for good; what it paid for stays."""
    paid = bench()
    claim = await paid.claim(story(max_cost="0.05"))
    context = paid.run(claim)
    await context.step("page:1", _paint, int)

    with pytest.raises(Rejected, match=r"costs about \$0\.04, and \$0\.04 of the job's max_cost of \$0\.05") as raised:
        await context.step("page:2", _paint, int)

    assert (raised.value.reason, raised.value.stage) == (Reason.BUDGET_EXCEEDED, "page:2")
    assert paid.provider.calls == 1


async def test_a_budget_without_a_price_is_refused_with_the_remedy(bench: NewBench) -> None:
    paid = bench()
    paid.provider.image_model = "dreamer"
    claim = await paid.claim(story(max_cost="5"))

    with pytest.raises(Rejected, match=r"paid/dreamer.*HEADRACE_PRICES") as raised:
        await paid.run(claim).step("page:1", _paint, int)

    assert (raised.value.reason, paid.provider.calls) == (Reason.PRICE_UNKNOWN, 0)


async def test_without_a_budget_an_unknown_price_is_said_to_be_unknown(bench: NewBench) -> None:
    paid = bench()
    paid.provider.image_model = "dreamer"
    claim = await paid.claim()

    await paid.run(claim).step("page:1", _paint, int)

    assert [item.cost for item in await paid.used(claim)] == [None]


async def test_a_call_that_was_cut_off_stays_reserved(bench: NewBench) -> None:
    """The provider had it; it was probably paid."""
    paid = bench()
    claim = await paid.claim(story(max_cost="0.07"))
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    paid.provider.failures = [hang()]
    cut = asyncio.create_task(paid.run(claim).step("page:1", _paint, int))
    await begun.wait()
    cut.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut

    with pytest.raises(Rejected, match="max_cost"):
        await paid.run(claim).step("page:2", _paint, int)


async def test_a_refusal_for_asking_too_often_pauses_all_jobs(bench: NewBench) -> None:
    paid = bench()
    first, other = await paid.claim(), await paid.claim()
    paid.provider.failures = [Busy("too often", retry_after=timedelta(seconds=30))]

    with pytest.raises(Busy):
        await paid.run(first).step("outline", _write, str)
    with pytest.raises(RateLimited, match="paid/writer") as raised:
        await paid.run(other).step("outline", _write, str)
    await paid.run(other).step("page:1", _paint, int)

    assert raised.value.retry_after is not None
    assert timedelta(seconds=28) < raised.value.retry_after <= timedelta(seconds=30)
    assert paid.provider.calls == 2


@pytest.mark.parametrize(("told", "minutes"), [(None, 5), (timedelta(hours=8), 60)])
async def test_a_pause_that_is_not_told_or_far_too_long_is_of_some_length(
    bench: NewBench, monkeypatch: pytest.MonkeyPatch, told: timedelta | None, minutes: int
) -> None:
    monkeypatch.setattr("tasks.engine.metering.UNTOLD_PAUSE", timedelta(minutes=5))
    paid = bench(step_patience=timedelta(0))
    first, other = await paid.claim(), await paid.claim()
    paid.provider.failures = [Busy("too often", retry_after=told)]

    with pytest.raises(Busy):
        await paid.run(first).step("outline", _write, str)
    with pytest.raises(RateLimited) as raised:
        await paid.run(other).step("outline", _write, str)

    assert raised.value.retry_after is not None
    assert timedelta(minutes=minutes - 1) < raised.value.retry_after <= timedelta(minutes=minutes)


async def test_a_short_wait_for_the_rate_is_taken_in_the_step(bench: NewBench) -> None:
    paid = bench(rates="paid/*=300rpm")
    backend = LeasedJob((await paid.claim()).lease, paid.tools)
    context = JobContext(backend, {})
    loop = asyncio.get_running_loop()
    at: list[float] = []

    async def paint(step: Step) -> int:
        value = await _paint(step)
        at.append(loop.time())
        return value

    def waits_for_the_rate() -> bool:
        waited = backend.waits.longest()
        return waited is not None and waited.on == "rate_limited"

    # Five a second: five at once, and then one every 200 ms.
    watching = asyncio.create_task(wait_until(waits_for_the_rate, within=5, what="the job waits for its rate"))
    await context.map("page", range(8), lambda step, _: paint(step), int)

    assert await watching
    assert at[7] - at[0] > 0.3
    assert paid.provider.calls == 8


async def test_many_short_waits_for_the_rate_free_the_worker_too(
    bench: NewBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when others come first each time; a step's patience is for all of its waits."""
    paid = bench(rates="paid/*=60rpm", step_patience=timedelta(milliseconds=50))
    asked = 0

    async def wait_again(*_: object) -> Wait:
        nonlocal asked
        asked += 1
        return Wait(timedelta(milliseconds=20))

    monkeypatch.setattr(paid.tools.meter.desk, "admit", wait_again)
    with pytest.raises(RateLimited):
        await asyncio.wait_for(paid.run(await paid.claim()).step("page:1", _paint, int), timeout=30)
    assert (asked, paid.provider.calls) == (3 * STEP_TRIES, 0)


async def test_a_long_wait_for_the_rate_frees_the_worker(bench: NewBench) -> None:
    paid = bench(rates="paid/*=1rpm")
    context = paid.run(await paid.claim())
    await context.step("page:1", _paint, int)

    with pytest.raises(RateLimited) as raised:
        await context.step("page:2", _paint, int)

    assert (raised.value.reason, raised.value.stage, paid.provider.calls) == (Reason.RATE_LIMITED, "page:2", 1)


async def test_the_offline_provider_costs_no_round_trip_unless_it_has_a_rate(tools: Tools, store: JobStore) -> None:
    free = await running(store)

    async def scripts_run() -> int:
        stats: Any = await store.redis.info("commandstats")
        # One that Redis does not know yet is sent again with its text.
        return stats["cmdstat_evalsha"]["calls"] - stats["cmdstat_evalsha"]["failed_calls"]

    async def paint(step: Step) -> int:
        return len((await step.image("a fox", scene={"setting": "forest", "subjects": ["fox"]})).png)

    before = await scripts_run()
    await JobContext(LeasedJob(free.lease, tools), {}).step("page:1", paint, int)

    assert await scripts_run() - before == 1  # saves the step
    limited = tools.settings.model_copy(update={"rates": "offline/*=600rpm"})
    metered = replace(tools, meter=Meter(limited, store))
    before = await scripts_run()
    await JobContext(LeasedJob(free.lease, metered), {}).step("page:2", paint, int)

    assert await scripts_run() - before == 3
    assert [item.calls for item in (await store.get(free.job.id)).usage] == [2]


async def test_each_call_is_told_to_who_follows_the_job(bench: NewBench) -> None:
    """With what it used, and what came of it."""
    paid = bench()
    claim = await paid.claim()
    context = paid.run(claim)
    await context.step("page:1", _paint, int)
    paid.provider.failures = [Rejected("no such colour")]
    with pytest.raises(Rejected):
        await context.step("page:2", _paint, int)

    log = EventLog(paid.store.redis, patience=timedelta(seconds=5))
    calls = [event.data for event in await log.history(claim.job.id) if event.event == "call"]
    assert [(call["step"], call["try"], call["outcome"], call["cost"]) for call in calls] == [
        ("page:1", 1, "answered", 0.04),
        ("page:2", 1, "rejected", 0.0),
    ]
    assert (calls[0]["provider"], calls[0]["model"], calls[0]["images"]) == ("paid", "painter", 1)
    assert calls[0]["ms"] >= 0


async def test_a_call_that_ends_after_its_job_is_not_told(bench: NewBench) -> None:
    """The last event of a job is its end."""
    paid = bench()
    claim = await paid.claim()

    async def cancel() -> None:
        await paid.store.cancel(claim.job.id)

    paid.provider.failures = [cancel()]
    with pytest.raises(LeaseLost):
        await paid.run(claim).step("page:1", _paint, int)
    log = EventLog(paid.store.redis, patience=timedelta(seconds=5))
    assert [event.event for event in await log.history(claim.job.id)][-1] == "cancelled"
