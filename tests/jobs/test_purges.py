"""purge.lua and jobs/scripts/prelude/purge.lua: what waits is cancelled, a bit at a time."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from jobs import keys, kinds
from jobs.fleet import Fleet
from jobs.new_job import NewJob
from jobs.pauses import of_kind, of_queue
from jobs.purges import Purge
from jobs.states import State
from jobs.store import JobStore
from tests.jobs.test_schedule import report
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, queued, running, scheduled, story
from tests.support.time_travel import next_millisecond, sweep

QUEUE, KIND = of_queue("default"), of_kind("story")
LONG_ENOUGH = timedelta(minutes=1)
NO_TIME = timedelta(0)
BOUND = 1500


def lesson() -> NewJob:
    """Another kind in the same queue."""
    return NewJob(kinds.get("lesson"), {"topic": "Foxes", "audience": "children"})


async def purge(store: JobStore, target: str, *, within: timedelta = LONG_ENOUGH) -> Purge:
    return await store.purges.purge(target, by="ann", why="a wrong import", within=within)


async def commands_per_script(store: JobStore, work: Awaitable[object]) -> float:
    """How many commands a script gave Redis, on average: 1,000 take it about 4 ms."""
    client: Any = store.redis
    await client.config_resetstat()
    await work
    stats = await client.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
    return sum(calls.values()) / calls["evalsha"]


async def test_all_that_waits_in_a_queue_is_cancelled(store: JobStore, held: Inspector) -> None:
    """And leaves no message; who ran or waits for a retry is left alone."""
    claim, retried = await running(store), await scheduled(store)
    for _ in range(2):
        await held.pop(LANE)
    jobs = [await queued(store) for _ in range(120)] + [await queued(store, lesson())]

    done = await purge(store, QUEUE)

    assert (done.by, done.why, done.cancelled, done.over) == ("ann", "a wrong import", 121, True)
    assert await held.messages(LANE) == []
    job = await store.get(jobs[0])
    assert (job.state, job.state_reason) == (State.CANCELLED, "purged")
    assert await held.last_event(jobs[0]) == {
        "state": "cancelled",
        "reason": "purged",
        "by": "ann",
        "why": "a wrong import",
    }
    assert (await store.get(claim.job.id)).state is State.RUNNING
    assert (await store.get(retried.job.id)).state is State.SCHEDULED


async def test_only_the_kind_that_is_named(store: JobStore) -> None:
    """However many others stand between."""
    first = await queued(store)
    others = [await queued(store, lesson()) for _ in range(310)]
    last = await queued(store)

    assert (await purge(store, KIND)).cancelled == 2

    assert {(await store.get(job_id)).state for job_id in (first, last)} == {State.CANCELLED}
    assert {(await store.get(job_id)).state for job_id in others} == {State.QUEUED}


async def test_what_is_parked_is_purged_too(store: JobStore, held: Inspector) -> None:
    await queued(store)
    await store.pauses.pause(KIND, by="ann", why="none")
    await queued(store)

    assert (await purge(store, KIND)).cancelled == 2

    assert await held.names(keys.PARKED + "*") + await held.names("*" + keys.HELD) == []


async def test_what_is_queued_later_stays(store: JobStore) -> None:
    for _ in range(120):
        await queued(store)
    unfinished = await purge(store, QUEUE, within=NO_TIME)
    await next_millisecond(store.redis)
    later = await queued(store)

    while (await sweep(store)).more:
        pass

    assert not unfinished.over
    assert (await store.get(later)).state is State.QUEUED


async def test_the_sweep_goes_on_with_a_purge_that_was_cut_off(store: JobStore, held: Inspector) -> None:
    jobs = [await queued(store) for _ in range(120)]
    unfinished = await purge(store, QUEUE, within=NO_TIME)
    fleet = Fleet(store.redis, patience=timedelta(seconds=5))
    [queue] = [one for one in await fleet.queues() if one.name == "default"]
    assert queue.purge == unfinished
    assert (unfinished.cancelled, unfinished.over) == (40, False)

    while (await sweep(store)).more:
        pass

    assert {(await store.get(job_id)).state for job_id in jobs} == {State.CANCELLED}
    assert await held.names(keys.PURGES) == []


async def test_an_empty_queue_can_be_purged(store: JobStore) -> None:
    assert (await purge(store, QUEUE)).cancelled == 0
    await queued(store, story(user_id="ann"))
    assert (await purge(store, KIND)).cancelled == 1


@pytest.mark.slow
async def test_no_script_holds_redis_for_long(without_workers: JobStore) -> None:
    """However many jobs there are: a script does a bit of the work."""
    store = without_workers
    for number in range(1000):
        await store.create(story(user_id=f"user-{number % 7}"))
    for number in range(200):
        await store.report(report(f"worker-{number}"))

    assert await commands_per_script(store, store.pauses.pause(KIND, by="ann", why="none")) < BOUND
    assert await commands_per_script(store, sweep(store)) < BOUND
    assert await commands_per_script(store, store.pauses.resume(KIND)) < BOUND
    assert await commands_per_script(store, purge(store, KIND)) < BOUND
