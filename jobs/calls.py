"""Calls to providers, before and after: what they may cost, how often they may be made, and what they used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from jobs.errors import LeaseLost
from jobs.leases import Lease
from jobs.model import UsageItem
from jobs.prices import to_micros, to_usd
from jobs.rates import Rate
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.usage import in_micros


@dataclass(frozen=True)
class PlannedCall:
    """A call that a step wants to make.

    `seat` names it within its job, the same in every attempt: what a call has booked, the next try of it gets.
    `cost` is in micro-dollars, None when no price is known.
    """

    call_id: str
    seat: str
    provider: str
    model: str
    tokens: int
    cost: int | None
    rate: Rate


@dataclass(frozen=True)
class Go:
    """The call may be made now."""


@dataclass(frozen=True)
class Wait:
    """There is room for this call after so long; until then it is kept."""

    left: timedelta


@dataclass(frozen=True)
class Unpriced:
    """A budget holds, and what the call costs is not known."""


@dataclass(frozen=True)
class OverBudget:
    """The call would pass a budget. USD; `spent` has what is reserved for calls in flight in it."""

    whose: Literal["job", "user"]
    spent: float
    limit: float


class CallDesk:
    """Admits and settles calls, one script each. Raises StoreUnavailable when Redis does not answer in time."""

    def __init__(self, store: JobStore, settings: Settings) -> None:
        budget = settings.user_daily_budget
        self._user_budget = None if budget is None else to_micros(budget)
        self._scripts = store.scripts

    async def admit(self, lease: Lease, call: PlannedCall) -> Go | Wait | Unpriced | OverBudget:
        """Whether the call may be made; if so, its expected cost is reserved. Raises LeaseLost."""
        held, *reply = await self._scripts.admit(
            **lease.fence_fields(),
            call=call.call_id,
            seat=call.seat,
            model=f"{call.provider}/{call.model}",
            tokens=call.tokens,
            cost=call.cost,
            requests_per_minute=call.rate.requests,
            tokens_per_minute=call.rate.tokens,
            user_budget=self._user_budget,
        )
        if not held:
            raise LeaseLost(lease.job_id, reply[0])
        match reply:
            case ["go"]:
                return Go()
            case ["wait", left]:
                return Wait(timedelta(milliseconds=left))
            case ["unpriced"]:
                return Unpriced()
            case _:
                whose, spent, limit = reply
                return OverBudget(whose, to_usd(spent), to_usd(limit))

    async def settle(  # noqa: PLR0913  # all but three by keyword
        self,
        lease: Lease,
        call: PlannedCall,
        usage: Sequence[UsageItem],
        *,
        pause: timedelta = timedelta(0),
        took: timedelta = timedelta(0),
        outcome: str = "answered",
    ) -> bool:
        """Counts what the call used, once, and tells the job's followers of it: `took` is how long it was in flight.

        `pause` keeps everybody from the model for so long.

        False when it was settled before, or never admitted.
        """
        [settled] = await self._scripts.settle(
            job_id=lease.job_id,
            call=call.call_id,
            model=f"{call.provider}/{call.model}",
            usage=in_micros(usage),
            tokens=sum(item.input_tokens + item.output_tokens for item in usage),
            tokens_per_minute=call.rate.tokens,
            pause=round(pause.total_seconds() * 1000),
            event=_event(call, usage, took, outcome),
        )
        return bool(settled)


def _event(call: PlannedCall, usage: Sequence[UsageItem], took: timedelta, outcome: str) -> dict[str, Any]:
    """The data of a `call` event. `cost` is USD, null where no price is known."""
    step, _, number = call.seat.rpartition("#")
    costs = [item.cost for item in usage]
    return {
        "step": step,
        "try": int(number),
        "provider": call.provider,
        "model": call.model,
        "ms": round(took.total_seconds() * 1000),
        "input_tokens": sum(item.input_tokens for item in usage),
        "output_tokens": sum(item.output_tokens for item in usage),
        "images": sum(item.images for item in usage),
        "cost": None if None in costs else sum(cost for cost in costs if cost is not None),
        "outcome": outcome,
    }
