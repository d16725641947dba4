"""A provider whose calls are admitted before and settled after: rate limits, budgets and usage of a job."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar, assert_never
from uuid import uuid4

from pydantic import BaseModel
from pydantic_core import to_json

from headrace.errors import Busy, ProviderError, RateLimited, Rejected
from headrace.provider import Answer, Call, Image, ImageRequest, Provider, Text, TextRequest, Usage
from headrace.waits import Waits
from jobs.calls import CallDesk, Go, OverBudget, PlannedCall, Unpriced, Wait
from jobs.leases import Lease
from jobs.model import UsageItem
from jobs.prices import Price, Prices, to_usd
from jobs.rates import UNLIMITED, Rates
from jobs.settings import Settings
from jobs.states import Reason
from jobs.store import JobStore
from tasks.engine.outage import retry_while_unavailable

Answered = TypeVar("Answered", Text[Any], Image)

UNMETERED = frozenset({"offline", "local"})
"""Providers that are free and take any number of calls: no round trip is spent on them, unless they have a rate."""
UNTOLD_PAUSE = timedelta(seconds=1)
"""How long nobody calls a model that is asked too often and does not say for how long."""
LONGEST_PAUSE = timedelta(hours=1)
"""A provider may ask for more; after an hour one call finds out whether it still means it."""
CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English; what was really used replaces it."""
SOURCE_TOKENS = 1500
"""What a picture to redraw is taken to be."""


class Meter:
    """What calls cost and how often they may be made: the same for all jobs of a worker."""

    def __init__(self, settings: Settings, store: JobStore) -> None:
        self.prices = Prices.load(settings.prices)
        self.rates = Rates.parse(settings.rates)
        self.desk = CallDesk(store, settings)
        self.patience = settings.step_patience

    def counts(self, provider: str, model: str) -> bool:
        """Whether the calls are admitted and settled one by one; others are counted when their step is saved."""
        return provider not in UNMETERED or self.rates.of(provider, model) != UNLIMITED


class MeteredProvider:
    """A job's provider. Raises, besides what the provider does, RateLimited, Rejected for a budget, and LeaseLost.

    `calls` counts those of each step, for the whole attempt.
    """

    def __init__(self, provider: Provider, lease: Lease, meter: Meter, waits: Waits, calls: Counter[str]) -> None:
        self._provider = provider
        self._lease = lease
        self._meter = meter
        self._waits = waits
        self._calls = calls

    @property
    def name(self) -> str:
        return self._provider.name

    @property
    def text_model(self) -> str:
        return self._provider.text_model

    @property
    def image_model(self) -> str:
        return self._provider.image_model

    async def text(self, request: TextRequest[Answer]) -> Text[Answer]:
        words = len(request.instructions) + len(to_json(dict(request.facts))) + _schema_length(request.answer)
        return await self._metered(
            request.call, request.model or self.text_model, _tokens(words), 0, lambda: self._provider.text(request)
        )

    async def image(self, request: ImageRequest) -> Image:
        tokens = _tokens(len(request.prompt)) + (SOURCE_TOKENS if request.source else 0)
        model = request.model or self.image_model
        return await self._metered(request.call, model, tokens, 1, lambda: self._provider.image(request))

    async def aclose(self) -> None:
        await self._provider.aclose()

    async def _metered(
        self, call: Call, model: str, tokens: int, images: int, ask: Callable[[], Awaitable[Answered]]
    ) -> Answered:
        if not self._meter.counts(self.name, model):
            return await ask()
        price = self._meter.prices.of(self.name, model)
        planned = self._plan(call, model, price, tokens, images)
        await self._admitted(planned)
        # Whoever is cancelled from here on has probably paid: such a call stays counted with what was reserved for it.
        try:
            answer = await ask()
        except ProviderError as error:
            error.usage = _priced(error.usage or Usage(self.name, model), model, price)
            await self._settle(planned, error.usage, pause=_pause(error))
            raise
        usage = _priced(answer.usage, model, price)
        await self._settle(planned, usage)
        return replace(answer, usage=usage)

    def _plan(self, call: Call, model: str, price: Price | None, tokens: int, images: int) -> PlannedCall:
        self._calls[call.step] += 1
        output = (price or Price()).expect_output
        cost = price.micros(input_tokens=tokens, output_tokens=output, images=images) if price else None
        return PlannedCall(
            call_id=uuid4().hex,
            seat=f"{call.step}#{self._calls[call.step]}",
            provider=self.name,
            model=model,
            tokens=tokens + output,
            cost=cost,
            rate=self._meter.rates.of(self.name, model),
        )

    async def _admitted(self, planned: PlannedCall) -> None:
        """Returns when the call may be made. Raises RateLimited when that takes longer than a step's patience."""
        patience = self._meter.patience
        while True:
            answer = await retry_while_unavailable(lambda: self._meter.desk.admit(self._lease, planned))
            match answer:
                case Go():
                    return
                case Wait(left):
                    if left > patience:
                        raise _too_often(planned, left)
                    patience -= left
                    with self._waits.rate_limit(left):
                        await asyncio.sleep(left.total_seconds())
                case Unpriced():
                    raise _unpriced(planned)
                case OverBudget():
                    raise _over(planned, answer)
                case _:
                    assert_never(answer)

    async def _settle(self, planned: PlannedCall, usage: Usage, *, pause: timedelta = timedelta(0)) -> None:
        item = UsageItem(**vars(usage))
        await retry_while_unavailable(lambda: self._meter.desk.settle(self._lease, planned, [item], pause=pause))


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)


@cache
def _schema_length(answer: type[BaseModel]) -> int:
    return len(to_json(answer.model_json_schema()))


def _priced(usage: Usage, model: str, price: Price | None) -> Usage:
    """With its cost, and under the name of the model that was asked for: an answer may name a snapshot of it."""
    if price is None:
        return replace(usage, model=model, cost=None)
    micros = price.micros(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, images=usage.images)
    return replace(usage, model=model, cost=to_usd(micros))


def _pause(error: ProviderError) -> timedelta:
    if not isinstance(error, Busy):
        return timedelta(0)
    return min(error.retry_after or UNTOLD_PAUSE, LONGEST_PAUSE)


def _too_often(planned: PlannedCall, left: timedelta) -> RateLimited:
    return RateLimited(
        f"{planned.provider}/{planned.model} is called as often as it may be; there is room in"
        f" {left.total_seconds():.0f} s. HEADRACE_RATES has the limits.",
        retry_after=left,
    )


def _unpriced(planned: PlannedCall) -> Rejected:
    return Rejected(
        f"No price is known for {planned.provider}/{planned.model}, so that no budget can be kept. Add the model to the"
        " file that HEADRACE_PRICES names, or set no max_cost and no HEADRACE_USER_DAILY_BUDGET.",
        reason=Reason.PRICE_UNKNOWN,
    )


def _over(planned: PlannedCall, over: OverBudget) -> Rejected:
    expected = to_usd(planned.cost or 0)
    if over.whose == "job":
        budget = f"the job's max_cost of ${over.limit:.6g}"
        remedy = "Retry the job to spend as much again; its finished steps are kept and not paid again."
    else:
        budget = f"the ${over.limit:.6g} that its user may spend today (UTC)"
        remedy = "Retry the job tomorrow, or raise HEADRACE_USER_DAILY_BUDGET; its finished steps are kept."
    return Rejected(
        f"A call of {planned.provider}/{planned.model} costs about ${expected:.6g}, and ${over.spent:.6g} of {budget}"
        f" is spent or reserved. {remedy}",
        reason=Reason.BUDGET_EXCEEDED,
    )
