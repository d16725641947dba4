"""lose.lua: the holder is known to be dead, so nobody waits for its lease."""

import pytest

from jobs import keys
from jobs.endings import completed
from jobs.errors import LeaseLost
from jobs.leases import Lease
from jobs.states import Reason, State
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, WORKER, claimed, queued, running, story


async def test_a_lost_workers_job_is_served_next(store: JobStore, held: Inspector) -> None:
    first = await queued(store)
    other = await queued(store)
    await held.pop(LANE)
    claim = await claimed(store, first)

    assert await store.lose(claim.lease) is State.QUEUED

    assert await held.messages(LANE) == [first, other]


async def test_a_lost_attempt_is_used_up(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.lose(claim.lease)

    job = await store.get(claim.lease.job_id)
    assert (job.state, job.state_reason, job.attempt) == ("queued", Reason.WORKER_LOST, 1)
    assert await held.members(keys.LEASES) == []
    assert await held.counter("children_lost") == 1


async def test_losing_a_worker_is_an_event(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    await store.lose(claim.lease)

    assert await held.events(claim.lease.job_id) == ["queued", "running", "queued"]
    assert await held.last_event(claim.lease.job_id) == {"state": "queued", "reason": "worker_lost", "attempt": 1}


async def test_a_job_that_lost_its_last_attempt_fails(store: JobStore, held: Inspector) -> None:
    claim = await running(store, story(max_attempts=1))
    await held.pop(LANE)

    assert await store.lose(claim.lease) is State.FAILED

    job = await store.get(claim.lease.job_id)
    assert (job.state, job.state_reason) == ("failed", Reason.WORKER_LOST)
    assert job.error is not None
    assert job.error.message == "The worker was lost in attempt 1 of 1."
    assert await held.messages(LANE) == []
    assert await held.members(keys.DEAD) == [claim.lease.job_id]


async def test_a_new_holder_does_not_lose_its_lease_with_the_old(store: JobStore, held: Inspector) -> None:
    old = await running(store)
    await store.hand_back(old.lease)
    new = await claimed(store, old.lease.job_id)

    with pytest.raises(LeaseLost, match="running"):
        await store.lose(old.lease)

    await store.renew(new.lease)
    assert await held.counter("children_lost") == 0


async def test_a_cancelled_job_is_not_lost(store: JobStore) -> None:
    claim = await running(store)
    await store.cancel(claim.lease.job_id)

    with pytest.raises(LeaseLost, match="cancelled"):
        await store.lose(claim.lease)


async def test_a_completed_job_is_not_lost(store: JobStore) -> None:
    claim = await running(store)
    await store.complete(claim.lease, result={})

    with pytest.raises(LeaseLost, match="completed"):
        await store.lose(claim.lease)


async def test_an_unknown_job_is_not_lost(store: JobStore, held: Inspector) -> None:
    with pytest.raises(LeaseLost, match="gone"):
        await store.lose(Lease("00000000-0000-0000-0000-000000000000", fence=1, claim="none"))

    assert await held.names("hr:job:*") == []


@pytest.mark.parametrize(("max_attempts", "state"), [(2, State.QUEUED), (1, State.FAILED)])
async def test_a_loss_whose_reply_was_lost_is_one_event(
    lossy: Lossy, held: Inspector, max_attempts: int, state: State
) -> None:
    claim = await running(lossy.store, story(max_attempts=max_attempts))

    with lossy.proxy.losing_a_reply():
        assert await lossy.store.lose(claim.lease) is state

    assert await held.events(claim.lease.job_id) == ["queued", "running", state]
    assert await held.counter("children_lost") == 1


async def test_the_lease_under_a_claim_can_be_looked_up(store: JobStore) -> None:
    claim = await claimed(store, await queued(store), token="mine")  # noqa: S106  # no secret

    assert await store.lease_of(claim.job.id, token="mine") == claim.lease  # noqa: S106
    assert await store.lease_of(claim.job.id, token="another's") is None  # noqa: S106


async def test_the_lease_of_a_later_job_of_the_chain_is_found(store: JobStore) -> None:
    first = await claimed(store, await queued(store), token="chain")  # noqa: S106  # no secret
    claim = first
    for _ in range(3):
        await queued(store)
        following = await store.finish_and_claim(
            claim.lease,
            completed(result={}),
            worker=WORKER,
            token="chain",  # noqa: S106
            queues=["default"],
            kinds=["story"],
        )
        assert following is not None
        claim = following

    assert await store.lease_of(first.job.id, token="chain") == claim.lease  # noqa: S106


async def test_there_is_no_lease_on_a_job_that_was_given_back(store: JobStore) -> None:
    claim = await claimed(store, await queued(store), token="mine")  # noqa: S106  # no secret
    await store.hand_back(claim.lease)

    assert await store.lease_of(claim.job.id, token="mine") is None  # noqa: S106


async def test_nobody_has_a_lease_on_an_unknown_job(store: JobStore) -> None:
    assert await store.lease_of("00000000-0000-0000-0000-000000000000", token="mine") is None  # noqa: S106
