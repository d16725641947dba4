"""A job with thousands of saved steps: no script reads them (jobs/steps.py does, some at a time)."""

import json
from typing import Any

from jobs import keys
from jobs.store import JobStore
from tests.support.jobs_at_hand import claimed, queued, running

MANY = 1000
"""More than are read at once, five times."""


async def _with_steps(store: JobStore, job_id: str) -> None:
    redis: Any = store.redis
    for number in range(MANY):
        file = {"name": f"{number:04}.png", "key": "k", "content_type": "image/png", "size": 1}
        await redis.hset(keys.steps(job_id), f"page:{number}", json.dumps({"phase": 1, "value": number}))
        await redis.hset(keys.files(job_id), f"page:{number}", json.dumps([file]))


async def _reads_within_scripts(store: JobStore) -> int:
    """Replies with all of a hash, and scans, that the server has given so far."""
    stats: Any = await store.redis.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("hvals", "hkeys"))


async def test_a_claim_has_every_step(store: JobStore) -> None:
    job_id = await queued(store)
    await _with_steps(store, job_id)

    claim = await claimed(store, job_id)

    assert len(claim.steps) == MANY
    assert json.loads(claim.steps["page:999"]) == {"phase": 1, "value": 999}


async def test_a_cancelled_job_lists_every_file(store: JobStore) -> None:
    claim = await running(store)
    await _with_steps(store, claim.lease.job_id)
    before = await _reads_within_scripts(store)

    await store.cancel(claim.lease.job_id)

    assert await _reads_within_scripts(store) == before
    names = [file.name for file in (await store.get(claim.lease.job_id)).files]
    assert names == [f"{number:04}.png" for number in range(MANY)]


async def test_a_retry_from_a_step_takes_the_others_and_their_files(store: JobStore) -> None:
    claim = await running(store)
    await _with_steps(store, claim.lease.job_id)
    await store.save_step(claim.lease, "cover:1", json.dumps({"phase": 2, "value": 1}))
    await store.complete(claim.lease, result={})

    retry = await store.retry(claim.lease.job_id, from_step="cover:1")
    again = await claimed(store, retry.job_id)
    await store.cancel(retry.job_id)

    assert len(again.steps) == MANY
    assert "cover:1" not in again.steps
    assert len((await store.get(retry.job_id)).files) == MANY
