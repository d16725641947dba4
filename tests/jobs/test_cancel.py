"""cancel.lua: any state that is not final -> cancelled."""

import pytest

from jobs import keys
from jobs.errors import JobNotFound
from jobs.leases import Refusal
from jobs.states import FINAL, Reason, State
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, claim_again, ended, queued, running, scheduled
from tests.support.time_travel import sweep


async def test_a_queued_job_is_cancelled(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store)

    assert await store.cancel(job_id) is State.CANCELLED

    job = await store.get(job_id)
    assert (job.state, job.state_reason) == ("cancelled", Reason.USER_REQUEST)
    assert await held.members(keys.queue("default", keys.WAITING)) == []
    assert await held.members(keys.DEADLINES) == []


async def test_a_cancelled_job_leaves_no_message(store: JobStore, held: Inspector) -> None:
    job_id, other = await queued(store), await queued(store)

    await store.cancel(job_id)

    assert await held.messages(LANE) == [other]
    assert await claim_again(store, job_id) == Refusal(state="cancelled")


async def test_a_scheduled_job_is_cancelled(store: JobStore, held: Inspector) -> None:
    claim = await scheduled(store)

    assert await store.cancel(claim.lease.job_id) is State.CANCELLED

    assert await held.members(keys.SCHEDULED) == []
    assert (await store.get(claim.lease.job_id)).retry_at is None
    await sweep(store)
    assert (await store.get(claim.lease.job_id)).state == "cancelled"


async def test_a_running_jobs_worker_is_told(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    assert await store.cancel(claim.lease.job_id) is State.CANCELLED

    assert await held.signals(claim.lease.job_id) == [claim.lease.job_id]
    assert await held.members(keys.LEASES) == []


async def test_a_signal_that_nobody_takes_is_gone_after_a_minute(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.cancel(claim.lease.job_id)

    assert 0 < await held.seconds_left(keys.signal(claim.lease.child)) <= 60


async def test_nobody_is_told_of_a_queued_jobs_cancel(store: JobStore, held: Inspector) -> None:
    await store.cancel(await queued(store))

    assert await held.names(f"{keys.SIGNAL}*") == []


async def test_cancelling_is_the_last_event(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store)

    await store.cancel(job_id)

    assert await held.events(job_id) == ["queued", "cancelled"]
    assert await held.last_event(job_id) == {"state": "cancelled", "reason": "user_request"}


async def test_a_cancelled_job_changes_index(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store)

    await store.cancel(job_id)

    assert await held.indexed(job_id) == {"hr:index:all", "hr:index:state:cancelled", "hr:index:kind:story"}
    assert await held.counter("finished:story:cancelled") == 1


@pytest.mark.parametrize("state", sorted(FINAL))
async def test_an_ended_job_stays_as_it_is(store: JobStore, held: Inspector, state: State) -> None:
    job_id = await ended(store, state)
    before = await held.record(job_id)

    assert await store.cancel(job_id) is state
    assert await held.record(job_id) == before


async def test_an_unknown_job_cannot_be_cancelled(store: JobStore, held: Inspector) -> None:
    with pytest.raises(JobNotFound):
        await store.cancel("00000000-0000-0000-0000-000000000000")

    assert await held.names() == []


async def test_a_cancel_whose_reply_was_lost_tells_the_worker_once(lossy: Lossy, held: Inspector) -> None:
    claim = await running(lossy.store)

    with lossy.proxy.losing_a_reply():
        assert await lossy.store.cancel(claim.lease.job_id) is State.CANCELLED

    assert await held.events(claim.lease.job_id) == ["queued", "running", "cancelled"]
    assert await held.signals(claim.lease.job_id) == [claim.lease.job_id]
