"""How many jobs run at once (jobs/scripts/prelude/gates.lua): of a key, of a user, of a kind."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from jobs import keys, kinds
from jobs.endings import completed
from jobs.errors import ConcurrencyLimit
from jobs.leases import Claim, Refusal
from jobs.limits import Concurrency, KindLimits, OnLimit
from jobs.new_job import NewJob
from jobs.pauses import of_kind
from jobs.settings import Settings
from jobs.states import FINAL, State
from jobs.store import JobStore
from tests.jobs.test_purges import commands_per_script
from tests.jobs.test_schedule import in_order, report
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import BROKEN, BUSY, LANE, OTHER_WORKER, WORKER, claim_again, claimed, queued, story
from tests.support.time_travel import end_lease, make_retry_due, pass_start_deadline, sweep

PATIENCE = timedelta(seconds=5)
KEY = "site:example.com"
PARKED = keys.PARKED + "key:" + KEY


def keyed(
    *, limit: int = 1, key: str = KEY, on_limit: OnLimit = "queue", priority: int = 3, user_id: str | None = None
) -> NewJob:
    return story(priority=priority, user_id=user_id, concurrency=Concurrency(key, limit, on_limit))


def lesson(user_id: str | None = None) -> NewJob:
    return NewJob(kinds.get("lesson"), {"topic": "Foxes", "audience": "children"}, user_id=user_id)


@pytest.fixture
async def limited(settings: Settings) -> AsyncIterator[JobStore]:
    """Two jobs of a user, and three stories, run at once."""
    changed = settings.model_copy(update={"max_running_per_user": 2, "max_running_per_kind": "story=3"})
    store = JobStore.open(changed, name="limited", patience=PATIENCE)
    yield store
    await store.aclose()


async def only_message(held: Inspector) -> str:
    [job_id] = await held.messages(LANE)
    assert await held.pop(LANE) == job_id
    return job_id


# -- A key -------------------------------------------------------------------------------------------------------------


async def test_as_many_as_may_are_released_and_the_next_when_one_ends(store: JobStore, held: Inspector) -> None:
    first, second, third = [await queued(store, keyed()) for _ in range(3)]
    other = await queued(store)

    assert await held.messages(LANE) == [first, other]
    assert await held.members(PARKED) == [second, third]

    await held.pop(LANE)
    claim = await claimed(store, first)
    await store.complete(claim.lease, result={})
    assert await held.messages(LANE) == [other, second]
    assert await held.members(PARKED) == [third]


async def test_another_key_is_another_limit(store: JobStore, held: Inspector) -> None:
    jobs = [await queued(store, keyed(key=key)) for key in ("a", "b")]
    assert await held.messages(LANE) == jobs


async def test_a_limit_of_two(store: JobStore, held: Inspector) -> None:
    jobs = [await queued(store, keyed(limit=2)) for _ in range(3)]
    assert await held.messages(LANE) == jobs[:2]


async def test_a_claim_of_one_too_many_is_refused(store: JobStore) -> None:
    """By a message from elsewhere: it waits on, and no attempt is counted."""
    first, second = await queued(store, keyed()), await queued(store, keyed())
    await claimed(store, first)

    assert await claim_again(store, second) == Refusal("held")

    job = await store.get(second)
    assert (job.state, job.attempt, job.queue.position) == (State.QUEUED, 0, 0)
    assert job.queue.position_is_approximate
    assert job.waiting is not None
    assert (job.waiting.on, job.waiting.detail) == (
        "concurrency_limit",
        f"as many jobs of key {KEY} run as may; 0 wait before it",
    )


async def test_a_chain_takes_the_next_of_the_same_key(without_workers: JobStore) -> None:
    """The slot that the first one frees."""
    store = without_workers
    first, second = await queued(store, keyed()), await queued(store, keyed())
    claim = await claimed(store, first)

    following = await store.finish_and_claim(
        claim.lease, completed(result={}), worker=WORKER, token="next", queues=["default"], kinds=["story"]  # noqa: S106  # no secret
    )  # fmt: skip

    assert following is not None
    assert following.job.id == second


async def test_a_chain_takes_none_that_may_not_run(without_workers: JobStore) -> None:
    store = without_workers
    first, ending = await queued(store, keyed()), await queued(store)
    waiting = await queued(store, keyed())
    await claimed(store, first)
    claim = await claimed(store, ending)

    following = await store.finish_and_claim(
        claim.lease, completed(result={}), worker=WORKER, token="next", queues=["default"], kinds=["story"]  # noqa: S106  # no secret
    )  # fmt: skip

    assert following is None
    assert (await store.get(waiting)).state is State.QUEUED


@pytest.mark.parametrize("end", ["complete", "fail", "cancel", "retry_later"])
async def test_whatever_ends_it_frees_its_slot(store: JobStore, held: Inspector, end: str) -> None:
    first, second = await queued(store, keyed()), await queued(store, keyed())
    claim = await claimed(store, await only_message(held))

    match end:
        case "complete":
            await store.complete(claim.lease, result={})
        case "fail":
            await store.fail(claim.lease, BROKEN)
        case "cancel":
            await store.cancel(first)
        case _:
            await store.retry_later(claim.lease, BUSY, wait=timedelta(hours=1))

    assert await held.messages(LANE) == [second]


async def test_a_retry_takes_a_slot_again(store: JobStore, held: Inspector) -> None:
    first, second = await queued(store, keyed()), await queued(store, keyed())
    claim = await claimed(store, await only_message(held))
    await store.retry_later(claim.lease, BUSY, wait=timedelta(hours=1))
    following = await claimed(store, await only_message(held))

    await make_retry_due(store.redis, first)
    await sweep(store)
    assert (await held.messages(LANE), await held.members(PARKED)) == ([], [first])

    await store.complete(following.lease, result={})
    assert await held.messages(LANE) == [first]
    assert second == following.job.id


async def test_a_lost_worker_frees_its_slot_for_the_same_job(store: JobStore, held: Inspector) -> None:
    """It is the next of its key, as it is of its queue."""
    first, second = await queued(store, keyed()), await queued(store, keyed())
    await claimed(store, await only_message(held))

    await end_lease(store.redis, first)
    await sweep(store)
    again = await claimed(store, await only_message(held), worker=OTHER_WORKER)

    assert again.job.id == first
    await store.complete(again.lease, result={})
    assert await held.messages(LANE) == [second]


async def test_a_lost_job_that_has_failed_frees_its_slot(store: JobStore, held: Inspector) -> None:
    failing = story(max_attempts=1, concurrency=Concurrency(KEY))
    first, second = await queued(store, failing), await queued(store, keyed())
    await claimed(store, await only_message(held))

    await end_lease(store.redis, first)
    await sweep(store)

    assert await held.messages(LANE) == [second]


@pytest.mark.parametrize("end", ["cancel", "deadline"])
async def test_one_that_ends_before_it_runs_frees_its_slot(store: JobStore, held: Inspector, end: str) -> None:
    first, second = await queued(store, keyed()), await queued(store, keyed())

    if end == "cancel":
        await store.cancel(first)
    else:
        await pass_start_deadline(store.redis, first)
        await sweep(store)

    assert await held.messages(LANE) == [second]


async def test_a_more_urgent_one_takes_the_slot_of_one_that_waits(without_workers: JobStore, held: Inspector) -> None:
    """But not of one that a worker is about to take."""
    store = without_workers
    normal, urgent = await queued(store, keyed()), await queued(store, keyed(priority=0))
    assert (await in_order(store), await held.members(PARKED)) == ([urgent], [normal])

    await store.report(report())
    most_urgent = await queued(store, keyed(priority=0, user_id="ann"))

    assert await held.messages("default") == [urgent]
    assert await held.members(PARKED) == [most_urgent, normal]


async def test_nothing_is_left_of_jobs_that_have_ended(store: JobStore, held: Inspector) -> None:
    for _ in range(5):
        await queued(store, keyed())
    for _ in range(5):
        await store.complete((await claimed(store, await only_message(held))).lease, result={})

    assert [name for name in await held.names("hr:*") if keys.HOLDERS in name or keys.PARKED in name] == []


async def test_a_pause_gives_slots_to_other_kinds(store: JobStore, held: Inspector) -> None:
    await queued(store, keyed())
    shared = NewJob(kinds.get("lesson"), lesson().input, concurrency=Concurrency(KEY))
    other = await queued(store, shared)
    assert await held.members(PARKED) == [other]

    await store.pauses.pause(of_kind("story"), by="ann", why="none")
    await sweep(store)

    assert await held.messages(LANE) == [other]


# -- on_limit ----------------------------------------------------------------------------------------------------------


async def test_reject(store: JobStore) -> None:
    first = await queued(store, keyed())
    with pytest.raises(ConcurrencyLimit, match=first):
        await store.create(keyed(on_limit="reject"))
    await store.cancel(first)
    await store.create(keyed(on_limit="reject"))


async def test_cancel_running(store: JobStore, held: Inspector) -> None:
    """The one that has run longest goes, and says for whom; one that waited for its end waits on."""
    oldest, second = await queued(store, keyed(limit=2)), await queued(store, keyed(limit=2))
    for job_id in (oldest, second):
        await claimed(store, job_id)
    waiting = await queued(store, keyed(limit=2))

    new = (await store.create(keyed(limit=2, on_limit="cancel_running"))).job_id

    ended = await store.get(oldest)
    assert (ended.state, ended.state_reason) == (State.CANCELLED, "superseded")
    assert (await held.last_event(oldest))["by"] == new
    assert await held.signals(oldest) == [oldest]
    assert (await store.get(second)).state is State.RUNNING
    assert await held.members(PARKED) == [waiting]
    assert (await held.messages(LANE))[-1] == new


async def test_cancel_running_cancels_one_that_waits_to_run(store: JobStore) -> None:
    first = await queued(store, keyed())
    await store.create(keyed(on_limit="cancel_running"))
    assert (await store.get(first)).state is State.CANCELLED


# -- Users and kinds ---------------------------------------------------------------------------------------------------


async def test_so_many_of_a_user_and_of_a_kind(limited: JobStore, held: Inspector) -> None:
    ann = [await queued(limited, story(user_id="ann")) for _ in range(3)]
    bob = [await queued(limited, story(user_id="bob")) for _ in range(2)]
    other = await queued(limited, lesson("bob"))

    assert await held.messages(LANE) == [*ann[:2], bob[0], other]
    assert await held.members(keys.PARKED + "user:ann") == ann[2:]
    assert await held.members(keys.PARKED + "kind:story") == bob[1:]

    await limited.cancel(ann[0])
    assert await held.messages(LANE) == [ann[1], bob[0], other, ann[2]]


async def test_who_has_no_user_has_no_limit_of_a_user(limited: JobStore, held: Inspector) -> None:
    jobs = [await queued(limited, lesson()) for _ in range(5)]
    assert await held.messages(LANE) == jobs


async def test_one_that_has_two_limits_waits_for_both(limited: JobStore, held: Inspector) -> None:
    """And meanwhile holds no slot that another could use."""
    first = await queued(limited, keyed(user_id="ann"))
    both = await queued(limited, keyed(user_id="bob"))
    bobs = [await queued(limited, lesson("bob")) for _ in range(3)]
    assert await held.messages(LANE) == [first, *bobs[:2]]

    await limited.cancel(first)
    assert await held.members(keys.PARKED + "user:bob") == [both, bobs[2]]

    await limited.cancel(bobs[0])
    assert await held.messages(LANE) == [bobs[1], both]


# -- Always ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
async def test_the_limits_hold_in_any_order_of_events(limited: JobStore, held: Inspector, seed: int) -> None:
    """And nothing is stuck: in the end all have run."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    store, jobs = limited, list[str]()
    limits = {"a": 1, "b": 2}
    claims: dict[str, Claim] = {}
    for _ in range(250):
        await _step(store, held, chance, limits, jobs, claims)
        await _within_limits(store, limits, claims)
    while not all([(await store.get(job_id)).state in FINAL for job_id in jobs]):
        for claim in claims.values():
            await store.complete(claim.lease, result={})
        claims.clear()
        while job_id := await held.pop(LANE) or await held.pop("default"):
            if isinstance(answer := await claim_again(store, job_id), Claim):
                claims[job_id] = answer
        await _within_limits(store, limits, claims)
        await sweep(store)
    assert await held.names(keys.HOLDERS + "*") + await held.names(keys.PARKED + "*") == []


async def _step(  # what a step may touch
    store: JobStore,
    held: Inspector,
    chance: random.Random,
    limits: dict[str, int],
    jobs: list[str],
    claims: dict[str, Claim],
) -> None:
    match chance.choice(["create", "create", "claim", "claim", "any claim", "end", "lose", "later", "cancel"]):
        case "create":
            key = chance.choice([*limits, ""])
            concurrency = Concurrency(key, limits[key]) if key else None
            new = story(
                user_id=chance.choice(["ann", "bob", "eve"]), priority=chance.choice([0, 3]), concurrency=concurrency
            )
            jobs.append((await store.create(new)).job_id)
        case "claim" | "any claim" as how if jobs:
            job_id = chance.choice(jobs)
            if how == "claim":
                job_id = await held.pop(chance.choice([LANE, "default"])) or job_id
            answer = await store.claim(job_id, worker=WORKER, token=f"{chance.random()}")
            if isinstance(answer, Claim):
                claims[job_id] = answer
        case "end" if claims:
            await store.complete(claims.pop(chance.choice(sorted(claims))).lease, result={})
        case "lose" if claims:
            await store.lose(claims.pop(chance.choice(sorted(claims))).lease)
        case "later" if claims:
            await store.retry_later(claims.pop(chance.choice(sorted(claims))).lease, BUSY, wait=timedelta(0))
        case "cancel" if jobs:
            job_id = chance.choice(jobs)
            claims.pop(job_id, None)
            await store.cancel(job_id)
        case _:
            await sweep(store)


async def _within_limits(store: JobStore, limits: dict[str, int], claims: dict[str, Claim]) -> None:
    running = [claim.job for claim in claims.values()]
    assert Counter(job.concurrency_key for job in running if job.concurrency_key) <= Counter(limits)
    assert max(Counter(job.user_id for job in running).values(), default=0) <= 2
    assert len(running) <= 3
    assert await store.redis.zcard(keys.INDEX_STATE + State.RUNNING) == len(running)


@pytest.mark.slow
async def test_jobs_that_may_not_run_cost_others_nothing(without_workers: JobStore, held: Inspector) -> None:
    """Two thousand of one key are before a job without one: it is the second to be released, with the usual work."""
    store = without_workers
    for _ in range(20):
        await asyncio.gather(*(store.create(keyed(user_id="ann")) for _ in range(100)))
    other = await queued(store, story(user_id="ann"))

    await store.report(report())
    assert await commands_per_script(store, store.report(report(OTHER_WORKER))) < 60

    assert (await held.messages(LANE))[-1] == other
    claim = await claimed(store, await only_first(held))
    assert await commands_per_script(store, store.complete(claim.lease, result={})) < 100


async def only_first(held: Inspector) -> str:
    job_id = await held.pop(LANE)
    assert job_id
    return job_id


# -- Settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["report", "report=0", "report=1001", "Report=1", "report=-1", "report=1;lesson=2"])
def test_what_is_no_limit_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="HEADRACE_MAX_RUNNING_PER_KIND"):
        KindLimits.parse(text)


def test_limits_of_kinds() -> None:
    assert KindLimits.parse(" report=2, lesson=1 ") == {"report": 2, "lesson": 1}
    assert KindLimits.parse("") == {}
