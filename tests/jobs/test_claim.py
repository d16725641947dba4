"""claim.lua: the one door into running."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.leases import Claim, Refusal
from jobs.record import FORMAT
from jobs.settings import Settings
from jobs.states import FINAL, State
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import WORKER, claim_again, claimed, ended, queued, running, scheduled, story
from tests.support.time_travel import end_lease, pass_start_deadline, rewrite, sweep


async def test_a_claimed_job_runs(store: JobStore) -> None:
    claim = await claimed(store, await queued(store, story(title="The Owl")))

    assert (claim.job.state, claim.job.attempt, claim.job.worker) == ("running", 1, WORKER)
    assert claim.job.input["title"] == "The Owl"
    assert claim.job.started_at is not None
    assert claim.job.waiting is None


async def test_a_claim_takes_the_job_out_of_the_queue(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store)

    await claimed(store, job_id)

    assert await held.members(keys.queue("default", keys.WAITING)) == []
    assert await held.indexed(job_id) == {"hr:index:all", "hr:index:state:running", "hr:index:kind:story"}


async def test_a_record_that_only_a_later_version_can_read_is_left_to_it(
    store: JobStore, redis: Redis, held: Inspector
) -> None:
    job_id = await queued(store)
    await rewrite(redis, job_id, format=FORMAT + 1)
    before = await held.record(job_id)

    assert await claim_again(store, job_id) == Refusal("newer")
    assert await held.record(job_id) == before
    assert await held.members(keys.queue("default", keys.WAITING)) == [job_id]

    await rewrite(redis, job_id, format=FORMAT)
    assert isinstance(await claim_again(store, job_id), Claim)


async def test_the_lease_ends_a_lease_from_now(store: JobStore, held: Inspector, settings: Settings) -> None:
    job_id = await queued(store)
    before = await held.now()

    await claimed(store, job_id)

    ends = await held.score(keys.LEASES, job_id)
    lease = settings.lease.total_seconds() * 1000
    assert ends is not None
    assert before + lease <= ends <= await held.now() + lease
    assert (await held.record(job_id))["lease_until"] == str(int(ends))


async def test_a_claim_is_an_event(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store)

    await claimed(store, job_id)

    assert await held.events(job_id) == ["queued", "running"]
    assert await held.last_event(job_id) == {"state": "running", "attempt": 1, "worker": WORKER}


async def test_each_claim_moves_attempt_and_fence_on(store: JobStore, redis: Redis) -> None:
    first = await running(store)
    await end_lease(redis, first.lease.job_id)
    await sweep(store)

    second = await claimed(store, first.lease.job_id)

    assert second.lease.fence == first.lease.fence + 1
    assert second.job.attempt == first.job.attempt + 1


async def test_the_first_start_is_remembered(store: JobStore) -> None:
    first = await running(store)
    await store.hand_back(first.lease)

    second = await claimed(store, first.lease.job_id)

    assert second.job.started_at == first.job.started_at


async def test_saved_steps_come_with_the_claim(store: JobStore, held: Inspector) -> None:
    first = await running(store)
    await store.save_step(first.lease, "outline", '{"pages": 4}')
    await store.save_step(first.lease, "page 1", '"drawn"')
    await store.hand_back(first.lease)

    second = await claimed(store, first.lease.job_id)

    assert first.steps == {}
    assert second.steps == {"outline": '{"pages": 4}', "page 1": '"drawn"'}
    assert await held.counter("steps_reused") == 2


async def test_a_started_job_no_longer_has_a_start_deadline(store: JobStore, held: Inspector) -> None:
    await running(store)

    assert await held.members(keys.DEADLINES) == []


async def test_the_wait_for_a_worker_is_measured(store: JobStore, redis: Redis, held: Inspector) -> None:
    """Of the last time it was put in its queue, in buckets of seconds."""
    job_id = await queued(store)
    await rewrite(redis, job_id, queued_at=await held.now() - 10_000)

    await claimed(store, job_id)

    assert await held.counter("wait_seconds:story:15") == 1
    assert 10_000 <= await held.counter("wait_seconds:story:sum") < 12_000


async def test_a_second_message_for_a_running_job_is_refused_and_counted(store: JobStore, held: Inspector) -> None:
    first = await running(store)

    second = await claim_again(store, first.lease.job_id)

    assert second == Refusal(state="running")
    assert await held.counter("claims_refused") == 1
    assert (await held.record(first.lease.job_id))["worker"] == WORKER
    assert await held.events(first.lease.job_id) == ["queued", "running"]


async def test_a_job_that_waits_for_its_retry_is_refused(store: JobStore, held: Inspector) -> None:
    waiting = await scheduled(store)

    assert await claim_again(store, waiting.lease.job_id) == Refusal(state="scheduled")
    assert await held.counter("claims_refused") == 1


@pytest.mark.parametrize("state", sorted(FINAL))
async def test_an_ended_job_is_refused(store: JobStore, held: Inspector, state: State) -> None:
    job_id = await ended(store, state)

    assert await claim_again(store, job_id) == Refusal(state=state)
    assert await held.counter("claims_refused") == 1


async def test_an_unknown_job_is_refused_and_leaves_no_record(store: JobStore, held: Inspector) -> None:
    job_id = str(uuid4())

    assert await claim_again(store, job_id) == Refusal(state="gone")
    assert await held.counter("claims_refused") == 1
    assert await held.record(job_id) == {}


async def test_a_job_past_its_start_deadline_is_not_started(store: JobStore, redis: Redis) -> None:
    """Even before a sweep has ended it."""
    job_id = await queued(store)
    await pass_start_deadline(redis, job_id)

    assert await claim_again(store, job_id) == Refusal(state="queued")


async def test_a_job_that_started_once_may_start_again_after_the_deadline(store: JobStore, redis: Redis) -> None:
    first = await running(store, story(start_deadline=timedelta(minutes=1)))
    await store.hand_back(first.lease)
    await pass_start_deadline(redis, first.lease.job_id)

    assert isinstance(await claim_again(store, first.lease.job_id), Claim)


async def test_of_many_claims_at_once_one_wins(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store)

    answers = await asyncio.gather(*(store.claim(job_id, worker=f"w{n}", token=f"t{n}") for n in range(10)))

    assert sum(isinstance(answer, Claim) for answer in answers) == 1
    assert await held.counter("claims_refused") == 9
    assert (await store.get(job_id)).attempt == 1


async def test_the_same_token_gets_the_same_answer(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store)
    first = await store.claim(job_id, worker=WORKER, token=WORKER)

    assert await store.claim(job_id, worker=WORKER, token=WORKER) == first
    assert await held.events(job_id) == ["queued", "running"]
    assert await held.counter("claims_refused") == 0


async def test_a_claim_whose_reply_was_lost_is_answered_again(lossy: Lossy, held: Inspector) -> None:
    job_id = await queued(lossy.store)

    with lossy.proxy.losing_a_reply():
        claim = await claimed(lossy.store, job_id)

    assert (claim.job.attempt, claim.lease.fence) == (1, 1)
    assert await held.events(job_id) == ["queued", "running"]
