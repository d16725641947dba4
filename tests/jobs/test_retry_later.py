"""retry_later.lua: running -> scheduled, or failed when the attempts are used up."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.errors import LeaseLost
from jobs.leases import Lease
from jobs.model import JobError
from jobs.settings import Settings
from jobs.states import Reason, State
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import BUSY, LANE, LIMITED, claimed, desk_of, planned, running, scheduled, story
from tests.support.time_travel import make_retry_due, rewrite, sweep

MINUTE = timedelta(minutes=1)
FIVE_SECONDS = timedelta(seconds=5)
INCAPABLE = JobError(reason=Reason.NO_CAPABLE_WORKER, message="It cannot be run here.")


async def test_a_job_waits_for_its_retry_without_a_worker(store: JobStore, held: Inspector) -> None:
    claim = await running(store)

    assert await store.retry_later(claim.lease, BUSY, wait=MINUTE) is State.SCHEDULED

    assert await held.members(keys.LEASES) == []
    assert await held.indexed(claim.lease.job_id) == {
        "hr:index:all",
        "hr:index:state:scheduled",
        "hr:index:kind:story",
    }


async def test_a_scheduled_job_says_why_and_until_when(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    before = await held.now()

    await store.retry_later(claim.lease, BUSY, wait=MINUTE)

    job = await store.get(claim.lease.job_id)
    assert (job.state, job.state_reason, job.error) == ("scheduled", Reason.PROVIDER_BUSY, BUSY)
    assert job.retry_at is not None
    assert job.retry_at.timestamp() * 1000 >= before + 60_000
    assert job.waiting is not None
    assert (job.waiting.on, job.waiting.until) == ("retry", job.retry_at)


async def test_the_retry_is_due_when_the_record_says(store: JobStore, held: Inspector) -> None:
    claim = await scheduled(store)

    due = await held.score(keys.SCHEDULED, claim.lease.job_id)

    assert due is not None
    assert (await held.record(claim.lease.job_id))["retry_at"] == str(int(due))


async def test_the_event_says_when_and_why(store: JobStore, held: Inspector) -> None:
    claim = await scheduled(store)
    retry_at = int((await held.record(claim.lease.job_id))["retry_at"])

    assert await held.events(claim.lease.job_id) == ["queued", "running", "scheduled"]
    assert await held.last_event(claim.lease.job_id) == {
        "state": "scheduled",
        "reason": "provider_busy",
        "error": {"reason": "provider_busy", "message": "The provider answered 429.", "stage": "outline"},
        "retry_at": retry_at,
    }


async def test_a_scheduled_job_has_no_message_yet(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    await held.pop(LANE)

    await store.retry_later(claim.lease, BUSY, wait=MINUTE)

    assert await held.messages(LANE) == []


async def test_the_last_attempt_is_not_followed_by_another(store: JobStore, held: Inspector) -> None:
    claim = await running(store, story(max_attempts=1))

    assert await store.retry_later(claim.lease, BUSY, wait=MINUTE) is State.FAILED

    job = await store.get(claim.lease.job_id)
    assert (job.state, job.state_reason, job.error, job.retry_at) == ("failed", Reason.PROVIDER_BUSY, BUSY, None)
    assert await held.members(keys.SCHEDULED) == []
    assert await held.members(keys.DEAD) == [claim.lease.job_id]
    assert await held.events(claim.lease.job_id) == ["queued", "running", "failed"]


async def test_a_wait_for_the_rate_limit_uses_up_no_attempt(store: JobStore) -> None:
    """And says what it is."""
    claim = await running(store, story(max_attempts=1))

    assert await store.retry_later(claim.lease, LIMITED, wait=MINUTE) is State.SCHEDULED

    job = await store.get(claim.lease.job_id)
    assert (job.state_reason, job.attempt) == (Reason.RATE_LIMITED, 0)
    assert job.waiting is not None
    assert (job.waiting.on, job.waiting.until) == ("rate_limited", job.retry_at)


async def test_waits_for_the_rate_limit_without_a_call_in_between_come_to_an_end(store: JobStore, redis: Redis) -> None:
    claim = await running(store, story(max_attempts=1))
    job_id = claim.lease.job_id

    for number in range(10):
        assert await store.retry_later(claim.lease, LIMITED, wait=MINUTE) is State.SCHEDULED
        await make_retry_due(redis, job_id)
        await sweep(store)
        claim = await claimed(store, job_id, token=str(number))

    assert await store.retry_later(claim.lease, LIMITED, wait=MINUTE) is State.FAILED
    assert (await store.get(job_id)).state_reason is Reason.RATE_LIMITED


async def test_a_call_in_between_starts_the_count_anew(store: JobStore, redis: Redis, settings: Settings) -> None:
    claim = await running(store, story(max_attempts=1))
    job_id = claim.lease.job_id

    for number in range(15):
        await desk_of(store, settings).admit(claim.lease, planned(f"page:{number}#1"))
        assert await store.retry_later(claim.lease, LIMITED, wait=MINUTE) is State.SCHEDULED
        await make_retry_due(redis, job_id)
        await sweep(store)
        claim = await claimed(store, job_id, token=str(number))


async def test_a_retry_under_an_old_fence_is_refused(store: JobStore, held: Inspector) -> None:
    old = await running(store)
    await store.hand_back(old.lease)
    await claimed(store, old.lease.job_id)

    with pytest.raises(LeaseLost, match="running"):
        await store.retry_later(old.lease, BUSY, wait=MINUTE)

    assert await held.members(keys.SCHEDULED) == []
    assert await held.counter("writes_refused") == 1


async def test_a_cancelled_job_is_not_scheduled(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    await store.cancel(claim.lease.job_id)

    with pytest.raises(LeaseLost, match="cancelled"):
        await store.retry_later(claim.lease, BUSY, wait=MINUTE)

    assert await held.members(keys.SCHEDULED) == []


async def test_an_unknown_job_is_not_scheduled(store: JobStore, held: Inspector) -> None:
    with pytest.raises(LeaseLost, match="gone"):
        await store.retry_later(Lease("00000000-0000-0000-0000-000000000000", fence=1, claim="none"), BUSY, wait=MINUTE)

    assert await held.members(keys.SCHEDULED) == []


@pytest.mark.parametrize(("max_attempts", "state"), [(2, State.SCHEDULED), (1, State.FAILED)])
async def test_a_retry_whose_reply_was_lost_is_one_event(
    lossy: Lossy, held: Inspector, max_attempts: int, state: State
) -> None:
    claim = await running(lossy.store, story(max_attempts=max_attempts))

    with lossy.proxy.losing_a_reply():
        assert await lossy.store.retry_later(claim.lease, BUSY, wait=MINUTE) is state

    assert await held.events(claim.lease.job_id) == ["queued", "running", state]
    assert await held.counter("writes_refused") == 0


async def test_a_wait_for_a_capable_worker_uses_up_no_attempt_and_grows_rarer(store: JobStore, redis: Redis) -> None:
    claim = await running(store, story(max_attempts=1))
    job_id = claim.lease.job_id

    assert await store.retry_later(claim.lease, INCAPABLE, wait=FIVE_SECONDS) is State.SCHEDULED
    assert (await store.get(job_id)).attempt == 0

    waits: list[float] = []
    for number, since in enumerate((10, 80, 600)):
        await make_retry_due(redis, job_id)
        await sweep(store)
        claim = await claimed(store, job_id, token=str(number))
        await _go_back(redis, job_id, "incapable_since", seconds=since)
        before = (await redis.time())[0]
        assert await store.retry_later(claim.lease, INCAPABLE, wait=FIVE_SECONDS) is State.SCHEDULED
        retry_at = (await store.get(job_id)).retry_at
        assert retry_at is not None
        waits.append(retry_at.timestamp() - before)
    assert waits == [pytest.approx(5, abs=2), pytest.approx(20, abs=2), pytest.approx(60, abs=2)]


async def test_a_wait_for_a_capable_worker_is_bounded_by_the_time_for_the_first_start(
    store: JobStore, redis: Redis
) -> None:
    claim = await running(store, story(max_attempts=3, start_deadline=timedelta(hours=1)))
    job_id = claim.lease.job_id
    await store.retry_later(claim.lease, INCAPABLE, wait=FIVE_SECONDS)
    await make_retry_due(redis, job_id)
    await sweep(store)
    claim = await claimed(store, job_id, token="again")  # noqa: S106  # not a secret
    await _go_back(redis, job_id, "incapable_since", seconds=3601)

    assert await store.retry_later(claim.lease, INCAPABLE, wait=FIVE_SECONDS) is State.FAILED

    job = await store.get(job_id)
    assert (job.state_reason, job.error) == (Reason.NO_CAPABLE_WORKER, INCAPABLE)


async def test_a_step_saved_in_between_starts_the_wait_for_a_capable_worker_anew(
    store: JobStore, held: Inspector, redis: Redis
) -> None:
    claim = await running(store)
    job_id = claim.lease.job_id
    await store.retry_later(claim.lease, INCAPABLE, wait=FIVE_SECONDS)
    await make_retry_due(redis, job_id)
    await sweep(store)
    claim = await claimed(store, job_id, token="capable")  # noqa: S106  # not a secret

    await store.save_step(claim.lease, "outline", '{"value": 1}')

    assert "incapable_since" not in await held.record(job_id)


async def _go_back(redis: Redis, job_id: str, field: str, *, seconds: int) -> None:
    await rewrite(redis, job_id, **{field: ((await redis.time())[0] - seconds) * 1000})
