"""progress.lua: how far a job is."""

import pytest

from jobs.errors import LeaseLost
from jobs.leases import Lease
from jobs.model import Progress
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import claimed, running

HALF = Progress(fraction=0.5, phase="pages", detail="2 of 4")


async def test_progress_is_kept_in_the_record(store: JobStore) -> None:
    claim = await running(store)

    await store.progress(claim.lease, HALF)

    assert (await store.get(claim.lease.job_id)).progress == HALF


async def test_progress_is_an_event(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.progress(claim.lease, HALF)

    assert await held.events(claim.lease.job_id) == ["queued", "running", "progress"]
    assert await held.last_event(claim.lease.job_id) == {"fraction": 0.5, "phase": "pages", "detail": "2 of 4"}


async def test_the_same_progress_again_is_no_news(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.progress(claim.lease, HALF)
    await store.progress(claim.lease, HALF)

    assert await held.events(claim.lease.job_id) == ["queued", "running", "progress"]


async def test_progress_under_an_old_fence_is_refused(store: JobStore, held: Inspector) -> None:
    old = await running(store)
    await store.hand_back(old.lease)
    await claimed(store, old.lease.job_id)

    with pytest.raises(LeaseLost, match="running"):
        await store.progress(old.lease, HALF)

    assert (await store.get(old.lease.job_id)).progress == Progress()
    assert await held.counter("writes_refused") == 1


async def test_progress_of_a_cancelled_job_is_refused(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    await store.cancel(claim.lease.job_id)

    with pytest.raises(LeaseLost, match="cancelled"):
        await store.progress(claim.lease, HALF)

    assert await held.events(claim.lease.job_id) == ["queued", "running", "cancelled"]


async def test_progress_of_an_unknown_job_is_refused(store: JobStore, held: Inspector) -> None:
    with pytest.raises(LeaseLost, match="gone"):
        await store.progress(Lease("00000000-0000-0000-0000-000000000000", fence=1, claim="none"), HALF)

    assert await held.names("hr:job:*") == []


async def test_progress_whose_reply_was_lost_is_one_event(lossy: Lossy, held: Inspector) -> None:
    claim = await running(lossy.store)

    with lossy.proxy.losing_a_reply():
        await lossy.store.progress(claim.lease, HALF)

    assert await held.events(claim.lease.job_id) == ["queued", "running", "progress"]
