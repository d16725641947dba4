"""finish_next.lua: the end of a job and the claim of the next, in one round trip."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jobs import keys, kinds
from jobs.endings import Ending, completed, failed
from jobs.errors import LeaseLost
from jobs.fleet import WorkerReport
from jobs.leases import Claim, Lease
from jobs.limits import Concurrency
from jobs.new_job import NewJob
from jobs.states import State
from jobs.store import JobStore
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import BROKEN, LANE, WORKER, claimed, queued, running, story
from tests.support.known_keys import MADE_UP_QUEUE
from tests.support.time_travel import pass_start_deadline

DONE = completed(result={"title": "The Fox"})


@pytest.fixture
def store(without_workers: JobStore) -> JobStore:
    return without_workers


async def chained(
    store: JobStore,
    lease: Lease,
    ending: Ending = DONE,
    *,
    token: str = "next",  # noqa: S107  # no secret
    kinds: Sequence[str] = ("story",),
) -> Claim | None:
    return await store.finish_and_claim(
        lease, ending, worker=WORKER, token=token, queues=[MADE_UP_QUEUE, "default"], kinds=kinds
    )


async def test_the_first_that_waits_is_claimed(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    normal, urgent = await queued(store), await queued(store, story(priority=0))

    following = await chained(store, claim.lease)

    assert following is not None
    assert following.lease == Lease(urgent, fence=1, claim="next")
    assert (following.job.state, following.job.input["title"]) == ("running", "The Fox")
    ended = await store.get(claim.lease.job_id)
    assert (ended.state, ended.result) == ("completed", {"title": "The Fox"})
    assert await held.running("default") == {urgent}
    assert await held.members(keys.queue("default", keys.ORDER)) == [normal]
    assert await held.messages(LANE) == []


async def test_a_failure_is_followed_by_the_next_job_too(store: JobStore) -> None:
    claim, waiting = await running(store), await queued(store)

    following = await chained(store, claim.lease, failed(BROKEN))

    assert (await store.get(claim.lease.job_id)).state is State.FAILED
    assert following is not None
    assert following.lease.job_id == waiting


async def test_the_next_job_has_its_saved_steps(store: JobStore) -> None:
    interrupted = await running(store)
    await store.save_step(interrupted.lease, "outline", '"paid"')
    await store.hand_back(interrupted.lease)
    claim = await running(store, story(priority=0))

    following = await chained(store, claim.lease)

    assert following is not None
    assert (following.lease, following.steps) == (
        Lease(interrupted.job.id, fence=2, claim="next"),
        {"outline": '"paid"'},
    )


async def test_users_take_turns_in_a_chain(store: JobStore) -> None:
    ann = [await queued(store, story(user_id="ann")) for _ in range(3)]
    claim: Claim | None = await claimed(store, ann[0])
    bob = await queued(store, story(user_id="bob"))

    order: list[str] = []
    while claim is not None:
        order.append(claim.lease.job_id)
        claim = await chained(store, claim.lease, token=f"after {claim.lease.job_id}")

    assert order in ([ann[0], bob, *ann[1:]], [ann[0], ann[1], bob, ann[2]])


async def test_nothing_waits(store: JobStore) -> None:
    claim = await running(store)

    assert await chained(store, claim.lease) is None

    assert (await store.get(claim.lease.job_id)).state is State.COMPLETED


async def test_a_kind_that_this_worker_may_not_run_now_is_left_to_celery(store: JobStore, held: Inspector) -> None:
    claim, waiting = await running(store), await queued(store)

    assert await chained(store, claim.lease, kinds=["report"]) is None

    assert (await store.get(waiting)).state is State.QUEUED
    assert await held.members(keys.queue("default", keys.ORDER)) == [waiting]


async def test_a_job_too_late_to_start_is_not_claimed(store: JobStore) -> None:
    claim, late = await running(store), await queued(store)
    await pass_start_deadline(store.redis, late)

    assert await chained(store, claim.lease) is None


async def test_a_repeat_gets_the_same_job(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    waiting, other = await queued(store), await queued(store)
    first = await chained(store, claim.lease)

    again = await chained(store, claim.lease)

    assert first is not None
    assert again is not None
    assert (again.lease, again.job, again.steps) == (first.lease, first.job, first.steps)
    assert first.lease.job_id == waiting
    assert (await store.get(other)).state is State.QUEUED
    assert await held.counter("finished:story:completed") == 1


async def test_a_repeat_after_the_next_job_has_ended_claims_nothing(store: JobStore) -> None:
    claim = await running(store)
    await queued(store)
    first = await chained(store, claim.lease)
    assert first is not None
    await store.complete(first.lease, result={})

    assert await chained(store, claim.lease) is None


async def test_who_has_lost_the_lease_claims_nothing(store: JobStore) -> None:
    claim, waiting = await running(store), await queued(store)
    await store.lose(claim.lease)

    with pytest.raises(LeaseLost):
        await chained(store, claim.lease)

    assert (await store.get(waiting)).state is State.QUEUED


# -- The order over several queues -------------------------------------------------------------------------------------


async def report(store: JobStore, worker: str, *queues: str) -> None:
    now = datetime.now(UTC)
    await store.report(
        WorkerReport(id=worker, host="h", pid=1, version="0", queues=list(queues), started_at=now, seen_at=now, jobs=[])
    )


def warm_up(priority: int = 3) -> NewJob:
    kind = replace(kinds.get("warmup"), queue=WARM_UPS)
    return NewJob(kind, {"urls": ["https://example.com/"]}, priority=priority)


BOTH = ("story", "warmup")
WARM_UPS = MADE_UP_QUEUE


async def test_the_most_urgent_of_all_queues_comes_first(store: JobStore) -> None:
    claim: Claim | None = await running(store)
    expected = [
        await queued(store, story(priority=0)),
        await queued(store, warm_up(priority=1)),
        await queued(store, story(priority=2)),
        await queued(store, warm_up(priority=8)),
    ]

    order: list[str] = []
    while (claim := await chained(store, claim.lease, token=f"{len(order)}", kinds=BOTH)) is not None:
        order.append(claim.lease.job_id)

    assert order == expected


async def test_of_equally_urgent_jobs_that_of_the_first_queue_is_taken(store: JobStore) -> None:
    claim = await running(store)
    await queued(store)
    second = await queued(store, warm_up())

    following = await chained(store, claim.lease, kinds=BOTH)

    assert following is not None
    assert following.lease.job_id == second


async def test_a_job_with_a_message_is_taken_with_it(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    await report(store, "idle", WARM_UPS)
    released = await queued(store, warm_up())
    waiting = await queued(store, warm_up())
    assert await held.messages(f"{WARM_UPS}\x06\x163") == [released]

    following = await chained(store, claim.lease, kinds=BOTH)

    assert following is not None
    assert following.lease.job_id == released
    assert await held.messages(f"{WARM_UPS}\x06\x163") == [], "it cost nobody a look"
    assert await held.members(keys.queue(WARM_UPS, keys.RELEASED)) == []
    assert await held.members(keys.queue(WARM_UPS, keys.ORDER)) == [waiting]
    assert await held.running(WARM_UPS) == {released}


async def test_a_message_that_another_worker_has_popped_is_left_to_it(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    await report(store, "idle", WARM_UPS)
    popped = await queued(store, warm_up())
    assert await held.pop(f"{WARM_UPS}\x06\x163") == popped

    assert await chained(store, claim.lease, kinds=BOTH) is None

    assert (await store.get(popped)).state is State.QUEUED


async def test_stale_messages_are_dropped_on_the_way(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    await report(store, "idle", WARM_UPS)
    released = await queued(store, warm_up())
    lane = f"{WARM_UPS}\x06\x163"
    [text] = await held.message_texts(lane)
    await store.redis.rpush(lane, *[text.replace(released, claim.job.id)] * 3)

    following = await chained(store, claim.lease, kinds=BOTH)

    assert following is not None
    assert following.lease.job_id == released
    assert await held.message_texts(lane) == []
    assert await held.counter("claims_refused") == 3


async def test_nothing_is_passed_over(store: JobStore) -> None:
    """Of a job that this worker may not run now neither its queue nor another is to take advantage."""
    claim = await running(store)
    await queued(store, warm_up(priority=0))
    await queued(store)

    assert await chained(store, claim.lease, kinds=["story"]) is None


async def test_the_window_is_right_after_a_chain(store: JobStore, held: Inspector) -> None:
    """Two workers: one runs a chain, one is idle; there is a message for that one, and no other."""
    for worker in (WORKER, "idle"):
        await report(store, worker, "default")
    first = [await queued(store) for _ in range(6)]
    claim: Claim | None = await claimed(store, str(await held.pop(LANE)))
    for number in range(3):
        assert claim is not None
        claim = await chained(store, claim.lease, token=str(number))
        assert len(await held.messages(LANE)) == 1
        assert len(await held.running("default")) == 1
    assert claim is not None
    await store.complete(claim.lease, result={})
    assert len(await held.messages(LANE)) == 2
    assert len(await held.members(keys.queue("default", keys.RELEASED))) == 2
    assert {(await store.get(job_id)).state for job_id in first} == {State.COMPLETED, State.QUEUED}


async def test_a_job_that_is_held_is_put_aside_for_the_next(store: JobStore) -> None:
    claim = await running(store)
    held_back = await queued(store, warm_up(priority=0))
    await store.pauses.pause("kind:warmup", by="ann", why="the host is away")
    waiting = await queued(store)

    following = await chained(store, claim.lease, kinds=BOTH)

    assert following is not None
    assert following.lease.job_id == waiting
    assert (await store.get(held_back)).state is State.QUEUED


async def test_a_paused_queue_is_left_alone(store: JobStore) -> None:
    claim = await running(store)
    held_back = await queued(store, warm_up(priority=0))
    await store.pauses.pause(f"queue:{WARM_UPS}", by="ann", why="the host is away")
    waiting = await queued(store)

    following = await chained(store, claim.lease, kinds=BOTH)

    assert following is not None
    assert following.lease.job_id == waiting
    assert (await store.get(held_back)).state is State.QUEUED


@pytest.mark.puts_aside
async def test_a_bad_record_is_put_aside_for_the_next(store: JobStore, held: Inspector) -> None:
    claim = await running(store)
    bad = await queued(store, story(priority=0))
    waiting = await queued(store)
    await store.redis.delete(keys.job(bad))

    following = await chained(store, claim.lease)

    assert following is not None
    assert following.lease.job_id == waiting
    assert await held.counter("quarantined") == 1
    assert (await store.get(claim.lease.job_id)).state is State.COMPLETED


async def test_a_concurrency_key_holds_in_a_chain(store: JobStore, held: Inspector) -> None:
    """One of the key runs elsewhere; its second waits for that, and those after it do not."""
    keyed = story(priority=0, concurrency=Concurrency("site:example.com", 1, "queue"))
    elsewhere = await claimed(store, await queued(store, keyed), worker="another")
    claim = await running(store)
    second, waiting = await queued(store, keyed), await queued(store)

    following = await chained(store, claim.lease)

    assert following is not None
    assert following.lease.job_id == waiting
    await store.complete(elsewhere.lease, result={})
    last = await chained(store, following.lease, token="then")  # noqa: S106  # no secret
    assert last is not None
    assert last.lease.job_id == second
    assert await held.counter("quarantined") == 0
