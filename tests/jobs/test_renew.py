"""renew.lua: a longer lease, and what the job waits for."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.errors import LeaseLost
from jobs.leases import Lease
from jobs.settings import Settings
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import claimed, queued, running
from tests.support.time_travel import end_lease, sweep


async def test_a_renewed_lease_ends_a_lease_from_now(
    store: JobStore, redis: Redis, held: Inspector, settings: Settings
) -> None:
    claim = await running(store)
    await end_lease(redis, claim.lease.job_id)
    before = await held.now()

    await store.renew(claim.lease)

    ends = await held.score(keys.LEASES, claim.lease.job_id)
    assert ends is not None
    assert ends >= before + settings.lease.total_seconds() * 1000
    assert (await held.record(claim.lease.job_id))["lease_until"] == str(int(ends))


async def test_a_renewed_lease_is_not_swept(store: JobStore, redis: Redis) -> None:
    claim = await running(store)
    await end_lease(redis, claim.lease.job_id)

    await store.renew(claim.lease)
    await sweep(store)

    assert (await store.get(claim.lease.job_id)).state == "running"


async def test_a_renewal_says_what_the_job_waits_for(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    await store.renew(claim.lease, waiting_for="provider", waiting=timedelta(seconds=41))

    waiting = (await store.get(claim.lease.job_id)).waiting

    assert waiting is not None
    assert waiting.on == "provider"
    assert waiting.since is not None
    assert 41_000 <= await held.now() - waiting.since.timestamp() * 1000 < 43_000


async def test_a_renewal_says_until_when_if_that_is_known(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    before = await held.now()

    await store.renew(claim.lease, waiting_for="rate_limited", left=timedelta(seconds=41))

    waiting = (await store.get(claim.lease.job_id)).waiting
    assert waiting is not None
    assert waiting.on == "rate_limited"
    assert waiting.until is not None
    assert 41_000 <= waiting.until.timestamp() * 1000 - before < 43_000


async def test_a_renewal_that_waits_for_nothing_clears_it(store: JobStore) -> None:
    claim = await running(store)
    await store.renew(claim.lease, waiting_for="provider", waiting=timedelta(seconds=1))

    await store.renew(claim.lease)

    assert (await store.get(claim.lease.job_id)).waiting is None


async def test_a_renewal_that_waits_for_something_else_forgets_until_when(store: JobStore) -> None:
    claim = await running(store)
    await store.renew(claim.lease, waiting_for="rate_limited", left=timedelta(seconds=41))

    await store.renew(claim.lease, waiting_for="provider", waiting=timedelta(seconds=1))

    waiting = (await store.get(claim.lease.job_id)).waiting
    assert waiting is not None
    assert (waiting.on, waiting.until) == ("provider", None)


async def test_a_renewal_is_no_event(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.renew(claim.lease)

    assert await held.events(claim.lease.job_id) == ["queued", "running"]


async def test_a_renewal_under_an_old_fence_is_refused(store: JobStore, redis: Redis, held: Inspector) -> None:
    """And does not lengthen the new holder's lease."""
    old = await running(store)
    await store.hand_back(old.lease)
    await claimed(store, old.lease.job_id, worker="worker-2@host")
    await end_lease(redis, old.lease.job_id)

    with pytest.raises(LeaseLost) as lost:
        await store.renew(old.lease)

    assert lost.value.state == "running"
    assert await held.score(keys.LEASES, old.lease.job_id) == 1
    assert await held.counter("writes_refused") == 1


async def test_a_cancelled_jobs_worker_hears_it_from_the_renewal(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    await store.cancel(claim.lease.job_id)

    with pytest.raises(LeaseLost) as lost:
        await store.renew(claim.lease)

    assert lost.value.state == "cancelled"
    assert await held.members(keys.LEASES) == []


async def test_a_queued_job_has_no_lease_to_renew(store: JobStore) -> None:
    job_id = await queued(store)

    with pytest.raises(LeaseLost, match="queued"):
        await store.renew(Lease(job_id, fence=0, claim="none"))


async def test_the_lease_of_an_unknown_job_is_lost(store: JobStore, held: Inspector) -> None:
    with pytest.raises(LeaseLost, match="gone"):
        await store.renew(Lease("00000000-0000-0000-0000-000000000000", fence=1, claim="none"))

    assert await held.names("hr:job:*") == []


async def test_a_renewal_whose_reply_was_lost_is_repeated(lossy: Lossy, held: Inspector) -> None:
    claim = await running(lossy.store)

    with lossy.proxy.losing_a_reply():
        await lossy.store.renew(claim.lease)

    assert await held.counter("writes_refused") == 0
    assert await held.members(keys.LEASES) == [claim.lease.job_id]
