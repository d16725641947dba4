"""Jobs in the state that a test starts from."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from jobs import kinds
from jobs.calls import CallDesk, PlannedCall
from jobs.leases import Claim, Refusal
from jobs.limits import Concurrency
from jobs.model import JobError
from jobs.new_job import Created, Idempotency, NewJob
from jobs.rates import UNLIMITED, Rate
from jobs.settings import Settings
from jobs.states import Reason, State
from jobs.store import JobStore
from tests.support.time_travel import next_millisecond, pass_start_deadline, sweep

WORKER = "worker-1@host"
OTHER_WORKER = "worker-2@host"
LANE = "default\x06\x163"
"""Where jobs of the default priority wait."""
BUSY = JobError(reason=Reason.PROVIDER_BUSY, message="The provider answered 429.", stage="outline")
LIMITED = JobError(reason=Reason.RATE_LIMITED, message="There is room in 60 s.", stage="outline")
BROKEN = JobError(reason=Reason.INTERNAL_ERROR, message="KeyError: 'pages'")


def story(
    *,
    title: str = "The Fox",
    user_id: str | None = None,
    priority: int = 3,
    max_attempts: int | None = None,
    start_deadline: timedelta | None = None,
    max_cost: str | None = None,
    delay: timedelta | None = None,
    time_limit: timedelta | None = None,
    retention: timedelta | None = None,
    concurrency: Concurrency | None = None,
) -> NewJob:
    wanted: Mapping[str, Any] = {"title": title, "prompt": "A fox finds the sea", "pages": 4}
    return NewJob(
        kinds.get("story"),
        wanted,
        user_id=user_id,
        priority=priority,
        max_attempts=max_attempts,
        start_deadline=start_deadline,
        max_cost=Decimal(max_cost) if max_cost else None,
        delay=delay,
        time_limit=time_limit,
        retention=retention,
        concurrency=concurrency,
    )


def planned(
    seat: str = "outline#1",
    *,
    call_id: str = "",
    cost: int | None = 1000,
    tokens: int = 100,
    rate: Rate = UNLIMITED,
) -> PlannedCall:
    """A call that is expected to cost so many micro-dollars."""
    return PlannedCall(call_id or seat, seat, "openai", "gpt-5.4-mini", tokens=tokens, cost=cost, rate=rate)


def desk_of(store: JobStore, settings: Settings, *, user_budget: str | None = None) -> CallDesk:
    limited = settings.model_copy(update={"user_daily_budget": Decimal(user_budget) if user_budget else None})
    return CallDesk(store, limited)


def under_key(key: str, *, owner: str = "ann", says: str = "a story") -> Idempotency:
    return Idempotency(owner=owner, key=key, fingerprint=says)


async def queued(store: JobStore, new: NewJob | None = None) -> str:
    """A new job, a millisecond after the one before it."""
    await next_millisecond(store.redis)
    created: Created = await store.create(new or story())
    return created.job_id


async def claimed(store: JobStore, job_id: str, *, worker: str = WORKER, token: str = "") -> Claim:
    claim = await store.claim(job_id, worker=worker, token=token or f"{worker} claims {job_id}")
    assert isinstance(claim, Claim), f"refused: the job is {claim.state}"
    return claim


async def claim_again(store: JobStore, job_id: str) -> Claim | Refusal:
    """What another worker gets whose message is for this job too."""
    return await store.claim(job_id, worker=OTHER_WORKER, token=f"{OTHER_WORKER} claims {job_id}")


async def running(store: JobStore, new: NewJob | None = None) -> Claim:
    return await claimed(store, await queued(store, new))


async def scheduled(store: JobStore, new: NewJob | None = None) -> Claim:
    """A job that waits an hour for its retry, and the claim before."""
    claim = await running(store, new)
    assert await store.retry_later(claim.lease, BUSY, wait=timedelta(hours=1)) is State.SCHEDULED
    return claim


async def ended(store: JobStore, state: State, new: NewJob | None = None) -> str:
    """A job in a final state."""
    if state is State.EXPIRED:
        job_id = await queued(store, new)
        await pass_start_deadline(store.redis, job_id)
        await sweep(store)
        return job_id
    claim = await running(store, new)
    if state is State.COMPLETED:
        await store.complete(claim.lease, result={"title": "The Fox"})
    elif state is State.FAILED:
        await store.fail(claim.lease, BROKEN)
    else:
        await store.cancel(claim.lease.job_id)
    return claim.lease.job_id
