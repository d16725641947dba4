"""hand_back.lua: running -> queued at the head, the attempt not used up."""

from uuid import uuid4

import pytest

from jobs import keys
from jobs.errors import LeaseLost
from jobs.leases import Lease
from jobs.states import Reason, State
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, claimed, queued, running, story


async def test_a_handed_back_job_waits_again(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.hand_back(claim.lease)

    job = await store.get(claim.lease.job_id)
    assert (job.state, job.state_reason, job.attempt) == ("queued", Reason.INTERRUPTED, 0)
    assert await held.members(keys.LEASES) == []
    assert await held.indexed(job.id) == {"hr:index:all", "hr:index:state:queued", "hr:index:kind:story"}
    assert await held.counter("interrupted") == 1


async def test_a_handed_back_job_is_served_next(store: JobStore, held: Inspector) -> None:
    first = await queued(store)
    others = [await queued(store) for _ in range(2)]
    assert await held.pop(LANE) == first
    claim = await claimed(store, first)

    await store.hand_back(claim.lease)

    assert await held.messages(LANE) == [first, *others]
    assert (await store.get(first)).queue.position == 0


async def test_handing_back_is_an_event(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.hand_back(claim.lease)

    assert await held.events(claim.lease.job_id) == ["queued", "running", "queued"]
    assert await held.last_event(claim.lease.job_id) == {"state": "queued", "reason": "interrupted", "attempt": 0}


async def test_interruptions_use_up_no_attempt(store: JobStore) -> None:
    job_id = await queued(store, story(max_attempts=1))

    assert await _hand_back(store, job_id, times=10) is State.QUEUED

    assert (await claimed(store, job_id, token="last")).job.attempt == 1  # noqa: S106  # not a secret


async def test_interruptions_without_a_saved_step_in_between_come_to_an_end(store: JobStore, held: Inspector) -> None:
    """Each pays again for a call that its worker has no time for."""
    job_id = await queued(store, story(max_attempts=2))
    await _hand_back(store, job_id, times=10)

    assert await _hand_back(store, job_id, times=1) is State.QUEUED
    assert (await store.get(job_id)).attempt == 1
    assert await _hand_back(store, job_id, times=1) is State.FAILED

    job = await store.get(job_id)
    assert (job.state_reason, job.attempt) == (Reason.INTERRUPTED, 2)
    assert job.error is not None
    assert job.error.message == (
        "Its workers were told to stop 12 times in a row before a step was saved."
        " Let a worker run for longer than the longest step takes."
    )
    assert await held.members(keys.DEAD) == [job_id]
    assert await held.counter("interrupted") == 12


async def test_a_saved_step_starts_the_count_of_interruptions_anew(store: JobStore) -> None:
    job_id = await queued(store, story(max_attempts=1))

    for number in range(3):
        await _hand_back(store, job_id, times=9)
        lease = (await claimed(store, job_id, token=f"saves {number}")).lease
        await store.save_step(lease, f"page:{number}", "1")
        assert await store.hand_back(lease) is State.QUEUED


async def _hand_back(store: JobStore, job_id: str, *, times: int) -> State:
    state = State.RUNNING
    for _ in range(times):
        state = await store.hand_back((await claimed(store, job_id, token=str(uuid4()))).lease)
    return state


async def test_a_job_is_not_handed_back_under_an_old_fence(store: JobStore, held: Inspector) -> None:
    old = await running(store)
    await store.hand_back(old.lease)
    new = await claimed(store, old.lease.job_id)

    with pytest.raises(LeaseLost, match="running"):
        await store.hand_back(old.lease)

    await store.renew(new.lease)
    assert await held.counter("writes_refused") == 1


async def test_a_cancelled_job_is_not_handed_back(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    await held.pop(LANE)
    await store.cancel(claim.lease.job_id)

    with pytest.raises(LeaseLost, match="cancelled"):
        await store.hand_back(claim.lease)

    assert await held.messages(LANE) == []


async def test_an_unknown_job_is_not_handed_back(store: JobStore, held: Inspector) -> None:
    with pytest.raises(LeaseLost, match="gone"):
        await store.hand_back(Lease("00000000-0000-0000-0000-000000000000", fence=1, claim="none"))

    assert await held.names("hr:job:*") == []


async def test_a_last_handing_back_whose_reply_was_lost_is_one_event(lossy: Lossy, held: Inspector) -> None:
    job_id = await queued(lossy.store, story(max_attempts=1))
    await _hand_back(lossy.store, job_id, times=10)
    claim = await claimed(lossy.store, job_id, token="last")  # noqa: S106  # not a secret

    with lossy.proxy.losing_a_reply():
        assert await lossy.store.hand_back(claim.lease) is State.FAILED

    assert (await held.events(job_id)).count("failed") == 1
    assert await held.counter("interrupted") == 11


async def test_handing_back_whose_reply_was_lost_is_one_message(lossy: Lossy, held: Inspector) -> None:
    claim = await running(lossy.store)
    await held.pop(LANE)

    with lossy.proxy.losing_a_reply():
        await lossy.store.hand_back(claim.lease)

    assert await held.messages(LANE) == [claim.lease.job_id]
    assert await held.events(claim.lease.job_id) == ["queued", "running", "queued"]
    assert (await lossy.store.get(claim.lease.job_id)).attempt == 0
