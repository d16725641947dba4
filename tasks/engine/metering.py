"""Calls to models, admitted before they are made and settled after: rate limits, budgets and usage of a job."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import assert_never
from uuid import uuid4

from headrace.errors import Busy, RateLimited, Rejected
from headrace.metered import Estimate, MeteredCall
from headrace.usage import Usage
from headrace.waits import Waits
from jobs.calls import CallDesk, Go, OverBudget, PlannedCall, Unpriced, Wait
from jobs.leases import Lease
from jobs.model import UsageItem
from jobs.prices import Price, Prices, to_micros, to_usd
from jobs.rates import UNLIMITED, Rates
from jobs.settings import Settings
from jobs.states import Reason
from jobs.store import JobStore
from tasks.engine.outage import retry_while_unavailable

UNMETERED = frozenset({"offline", "local"})
"""Providers that are free and take any number of calls: no round trip is spent on them, unless they have a rate."""
UNTOLD_PAUSE = timedelta(seconds=1)
"""How long nobody calls a model that is asked too often and does not say for how long."""
LONGEST_PAUSE = timedelta(hours=1)
"""A provider may ask for more; after an hour one call finds out whether it still means it."""


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

    @asynccontextmanager
    async def call(
        self, lease: Lease, seat: str, call: MeteredCall, estimate: Estimate, waits: Waits
    ) -> AsyncGenerator[None]:
        """The time in which the call is made. `seat` names it within its job, the same in every attempt.

        Entering raises RateLimited, Rejected for a budget, and LeaseLost.
        """
        if not self.counts(call.provider, call.model):
            try:
                with waits.provider():
                    yield
            finally:
                call.usage = call.usage and replace(call.usage, cost=call.usage.cost or 0.0)
            return
        price = self.prices.of(call.provider, call.model)
        planned = self._plan(call, seat, estimate, price)
        await self._admitted(lease, planned, waits)
        # Whoever is cancelled from here on has probably paid: such a call stays counted with what was reserved for it.
        try:
            with waits.provider():
                yield
        except Exception as error:
            # A call that failed and says nothing is taken to have cost nothing.
            call.usage = _counted(call, price, estimate.cost) if call.usage else None
            free = Usage(call.provider, call.model, cost=0.0)
            await self._settle(lease, planned, call.usage or free, pause=_pause(error))
            raise
        call.usage = _counted(call, price, estimate.cost)
        await self._settle(lease, planned, call.usage)

    def _plan(self, call: MeteredCall, seat: str, estimate: Estimate, price: Price | None) -> PlannedCall:
        output = estimate.output_tokens
        if output is None:
            output = (price or Price()).expect_output
        cost = None if estimate.cost is None else to_micros(Decimal(str(estimate.cost)))
        if cost is None and price:
            cost = price.micros(input_tokens=estimate.input_tokens, output_tokens=output, images=estimate.images)
        return PlannedCall(
            call_id=uuid4().hex,
            seat=seat,
            provider=call.provider,
            model=call.model,
            tokens=estimate.input_tokens + output,
            cost=cost,
            rate=self.rates.of(call.provider, call.model),
        )

    async def _admitted(self, lease: Lease, planned: PlannedCall, waits: Waits) -> None:
        """Returns when the call may be made. Raises RateLimited when that takes longer than a step's patience."""
        patience = self.patience
        while True:
            answer = await retry_while_unavailable(lambda: self.desk.admit(lease, planned))
            match answer:
                case Go():
                    return
                case Wait(left):
                    if left > patience:
                        raise _too_often(planned, left)
                    patience -= left
                    with waits.rate_limit(left):
                        await asyncio.sleep(left.total_seconds())
                case Unpriced():
                    raise _unpriced(planned)
                case OverBudget():
                    raise _over(planned, answer)
                case _:
                    assert_never(answer)

    async def _settle(
        self, lease: Lease, planned: PlannedCall, usage: Usage, *, pause: timedelta = timedelta(0)
    ) -> None:
        item = UsageItem(**vars(usage))
        await retry_while_unavailable(lambda: self.desk.settle(lease, planned, [item], pause=pause))


def _counted(call: MeteredCall, price: Price | None, expected: float | None) -> Usage:
    """With its cost, and under the name of the model that was asked for: an answer may name a snapshot of it."""
    assert call.usage is not None, "a step says what was used before it leaves a call"
    usage, cost = call.usage, call.usage.cost
    if cost is None and price:
        tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
        cost = to_usd(price.micros(**tokens, images=usage.images))
    return replace(usage, model=call.model, cost=expected if cost is None else cost)


def _pause(error: Exception) -> timedelta:
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
