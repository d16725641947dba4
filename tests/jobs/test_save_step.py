"""save_step.lua: what was paid for is kept."""

import pytest

from jobs import keys
from jobs.errors import LeaseLost
from jobs.leases import Lease
from jobs.model import UsageItem
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import claimed, running


async def test_a_saved_step_is_kept(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.save_step(claim.lease, "outline", '{"title": "Füchse", "quote": "\\""}')

    assert await held.steps(claim.lease.job_id) == {"outline": '{"title": "Füchse", "quote": "\\""}'}
    assert await held.counter("steps_saved") == 1


async def test_a_saved_step_is_an_event_without_its_result(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.save_step(claim.lease, "outline", '{"secret": 1}')

    assert await held.events(claim.lease.job_id) == ["queued", "running", "step"]
    assert await held.last_event(claim.lease.job_id) == {"step": "outline"}


async def test_a_step_saved_again_is_no_second_event(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.save_step(claim.lease, "outline", "1")
    await store.save_step(claim.lease, "outline", "1")

    assert await held.events(claim.lease.job_id) == ["queued", "running", "step"]
    assert await held.counter("steps_saved") == 1


async def test_a_step_under_an_old_fence_is_refused(store: JobStore, held: Inspector) -> None:
    """The new holder's result of the same step stays."""
    old = await running(store)
    await store.hand_back(old.lease)
    new = await claimed(store, old.lease.job_id)
    await store.save_step(new.lease, "outline", '"new"')

    with pytest.raises(LeaseLost, match="running"):
        await store.save_step(old.lease, "outline", '"old"')

    assert await held.steps(old.lease.job_id) == {"outline": '"new"'}
    assert await held.counter("writes_refused") == 1


async def test_a_step_of_a_handed_back_job_is_refused(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    await store.hand_back(claim.lease)

    with pytest.raises(LeaseLost, match="queued"):
        await store.save_step(claim.lease, "outline", "1")

    assert await held.steps(claim.lease.job_id) == {}


async def test_a_step_of_a_cancelled_job_is_refused(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    await store.cancel(claim.lease.job_id)

    with pytest.raises(LeaseLost, match="cancelled"):
        await store.save_step(claim.lease, "outline", "1")

    assert await held.names(keys.steps(claim.lease.job_id)) == []


async def test_a_step_of_an_unknown_job_is_refused(store: JobStore, held: Inspector) -> None:
    with pytest.raises(LeaseLost, match="gone"):
        await store.save_step(Lease("00000000-0000-0000-0000-000000000000", fence=1, claim="none"), "outline", "1")

    assert await held.names("hr:job:*") == []


async def test_a_step_whose_reply_was_lost_is_saved_once(lossy: Lossy, held: Inspector) -> None:
    claim = await running(lossy.store)

    with lossy.proxy.losing_a_reply():
        await lossy.store.save_step(claim.lease, "outline", "1")

    assert await held.events(claim.lease.job_id) == ["queued", "running", "step"]
    assert await held.counter("steps_saved") == 1


async def test_what_a_step_used_is_counted_once_and_told(store: JobStore, held: Inspector) -> None:
    """The event says all of it; the job counts what was not counted call by call."""
    claim = await running(store)
    text = UsageItem(provider="openai", model="gpt-5.4-mini", input_tokens=9, calls=2, cost=0.000007)
    picture = UsageItem(provider="offline", model="illustrator-1", images=1, calls=1)

    for _ in range(2):
        await store.save_step(claim.lease, "page:1", "1", usage=[text, picture], uncounted=[picture])

    assert (await store.get(claim.lease.job_id)).usage == [picture]
    told = (await held.last_event(claim.lease.job_id))["usage"]
    assert [UsageItem.model_validate(item) for item in told] == [text, picture]
