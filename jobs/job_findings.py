"""Which records are bad, which jobs no worker can run, and which pipelines failed lately of their own fault."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.finding import Finding, wrong
from jobs.model import JobError
from jobs.states import Reason, State

LOOKED_AT = 1000
"""Jobs of each sort that are looked at: enough to see what is wrong, and no burden for Redis."""
SHOWN = 5
"""Findings of each sort, those of the most jobs first."""
LATELY = timedelta(hours=1)


async def find_in_jobs(redis: Redis, *, now: int, patience: timedelta) -> list[Finding]:
    """`now` is ms since the epoch by Redis' clock. Raises StoreUnavailable."""
    return [
        *await _quarantined(redis, patience),
        *await _without_worker(redis, patience),
        *await _faulty(redis, now, patience),
    ]


async def _quarantined(redis: Redis, patience: timedelta) -> list[Finding]:
    async with answered(patience):
        found = cast("dict[str, str]", await cast("Any", redis.hgetall(keys.QUARANTINED)))
    return [
        wrong(
            f"The record of {job_id} is bad, and the sweep has put it aside: {fault}",
            f"Look at {keys.job(job_id)} in Redis; make the job anew, and then HDEL {keys.QUARANTINED} {job_id}.",
        )
        for job_id, fault in sorted(found.items())[:SHOWN]
    ]


async def _without_worker(redis: Redis, patience: timedelta) -> list[Finding]:
    ids: list[str] = []
    for state in (State.SCHEDULED, State.QUEUED):
        async with answered(patience):
            ids += cast("list[str]", await redis.zrange(keys.INDEX_STATE + state, 0, LOOKED_AT - 1))
    found = await _errors(redis, ids, Reason.NO_CAPABLE_WORKER, patience)
    return [
        wrong(
            f"Jobs of kind {kind} that no worker can run: {count}. {message}",
            "Start a worker that has this kind, in the version that made the jobs.",
        )
        for (kind, message), count in found.most_common(SHOWN)
    ]


async def _faulty(redis: Redis, now: int, patience: timedelta) -> list[Finding]:
    since = now - LATELY // timedelta(milliseconds=1)
    async with answered(patience):
        ids = cast("list[str]", await redis.zrangebyscore(keys.DEAD, since, "+inf", start=0, num=LOOKED_AT))
    found = await _errors(redis, ids, Reason.INTERNAL_ERROR, patience)
    return [
        wrong(
            f"Jobs of kind {kind} that failed of a fault in their pipeline within the last hour: {count}. {message}",
            "Mend the pipeline; POST /jobs/{id}/retry then runs each again from its saved steps.",
        )
        for (kind, message), count in found.most_common(SHOWN)
    ]


async def _errors(redis: Redis, ids: Sequence[str], reason: Reason, patience: timedelta) -> Counter[tuple[str, str]]:
    """How many of these jobs are in their state for `reason`, by kind and message."""
    async with answered(patience), redis.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hmget(keys.job(job_id), ["kind", "state_reason", "error"])
        records = await pipe.execute()
    return Counter(
        (kind, JobError.model_validate_json(error).message)
        for kind, state_reason, error in records
        if state_reason == reason and error
    )
