"""jobs/events.py: the history of a job, and following it from anywhere."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.connection import connect
from jobs.errors import EventsGone, JobNotFound
from jobs.event_hub import EventHub
from jobs.events import Event, EventLog
from jobs.model import Progress
from jobs.pipelining import PipelinedRedis
from jobs.settings import Settings
from jobs.states import State
from jobs.store import JobStore
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import claimed, ended, queued, running
from tests.support.waiting import wait_until

UNKNOWN = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def log(store: JobStore) -> EventLog:
    return EventLog(store.redis, patience=timedelta(seconds=2))


@asynccontextmanager
async def hub_of(settings: Settings, *, keep_alive: float, limit: int = 100) -> AsyncGenerator[EventHub]:
    client = connect(settings, name="hub", reply_within=timedelta(seconds=2))
    hub = EventHub(client.connection_pool, keep_alive=timedelta(seconds=keep_alive), limit=limit)
    yield hub
    await hub.aclose()
    await client.aclose()


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[EventHub]:
    """One whose followers hear of silence several times a second."""
    async with hub_of(settings, keep_alive=0.05) as hub:
        yield hub


@pytest.fixture
async def patient_hub(settings: Settings) -> AsyncIterator[EventHub]:
    """One whose silence would outlast the test."""
    async with hub_of(settings, keep_alive=60) as hub:
        yield hub


async def _all(followed: AsyncIterator[Event | None]) -> list[str]:
    return [event.event async for event in followed if event]


async def _with_progress(store: JobStore, count: int) -> str:
    """A running job with events 1 queued, 2 running, and `count` of progress."""
    claim = await running(store)
    for number in range(count):
        await store.progress(claim.lease, Progress(detail=str(number)))
    return claim.lease.job_id


# -- History -----------------------------------------------------------------------------------------------------------


async def test_a_history_has_each_event_in_order(store: JobStore, log: EventLog, held: Inspector) -> None:
    before = await held.now()
    job_id = await _with_progress(store, 1)

    history = await log.history(job_id)

    assert [(event.sequence, event.event) for event in history] == [(1, "queued"), (2, "running"), (3, "progress")]
    assert history[2].data == {"fraction": 0, "phase": "", "detail": "0"}
    assert all(before <= event.at.timestamp() * 1000 <= before + 5000 for event in history)


@pytest.mark.parametrize(("after", "sequences"), [(0, [1, 2, 3, 4]), (2, [3, 4]), (4, [])])
async def test_a_history_goes_on_after_any_event(
    store: JobStore, log: EventLog, after: int, sequences: list[int]
) -> None:
    job_id = await _with_progress(store, 2)

    assert [event.sequence for event in await log.history(job_id, after=after)] == sequences


async def test_a_history_is_read_a_page_at_a_time(store: JobStore, log: EventLog) -> None:
    job_id = await _with_progress(store, 3)

    first = await log.history(job_id, limit=2)
    second = await log.history(job_id, after=first[-1].sequence, limit=2)

    assert [event.sequence for event in first + second] == [1, 2, 3, 4]


async def test_an_unknown_job_has_no_history(log: EventLog) -> None:
    with pytest.raises(JobNotFound):
        await log.history(UNKNOWN)


async def test_events_that_are_no_longer_kept_are_said_to_be_gone(store: JobStore, redis: Redis, log: EventLog) -> None:
    job_id = await _with_progress(store, 8)
    await redis.xtrim(keys.events(job_id), maxlen=4, approximate=False)

    with pytest.raises(EventsGone, match="from number 7 on"):
        await log.history(job_id, after=5)


async def test_a_number_beyond_the_last_event_is_refused(store: JobStore, log: EventLog, hub: EventHub) -> None:
    """Nothing is ever after it; going on from there would miss the end in silence."""
    job_id = await _with_progress(store, 1)

    with pytest.raises(EventsGone, match="the last event is number 3, and 4 is none"):
        await log.history(job_id, after=4)
    with pytest.raises(EventsGone):
        await anext(log.follow(job_id, hub, after=4))


async def test_a_trimmed_history_can_be_resumed_at_its_first_kept_event(
    store: JobStore, redis: Redis, log: EventLog
) -> None:
    job_id = await _with_progress(store, 8)
    await redis.xtrim(keys.events(job_id), maxlen=4, approximate=False)

    assert [event.sequence for event in await log.history(job_id, after=6)] == [7, 8, 9, 10]


async def test_without_a_position_a_trimmed_history_starts_where_it_is_kept(
    store: JobStore, redis: Redis, log: EventLog
) -> None:
    job_id = await _with_progress(store, 8)
    await redis.xtrim(keys.events(job_id), maxlen=4, approximate=False)

    assert [event.sequence for event in await log.history(job_id)] == [7, 8, 9, 10]


async def test_a_stream_is_bounded(settings: Settings, held: Inspector, redis: Redis) -> None:
    """Redis trims by whole nodes of 100 entries."""
    few = settings.model_copy(update={"max_events": 100})
    store = JobStore.open(few, name="tests", patience=timedelta(seconds=5))
    job_id = await _with_progress(store, 350)
    await store.aclose()

    kept = await redis.xlen(keys.events(job_id))

    assert 100 <= kept <= 200
    assert (await held.record(job_id))["events"] == "352"


# -- Following ---------------------------------------------------------------------------------------------------------


async def test_following_ends_after_the_final_event(store: JobStore, log: EventLog, patient_hub: EventHub) -> None:
    job_id = await ended(store, State.COMPLETED)

    assert await _all(log.follow(job_id, patient_hub)) == ["queued", "running", "completed"]


async def test_a_follower_hears_events_as_they_happen(store: JobStore, log: EventLog, patient_hub: EventHub) -> None:
    job_id = await queued(store)
    heard: list[str] = []

    async def listen() -> None:
        async for event in log.follow(job_id, patient_hub):
            heard.append(event.event if event else "silence")  # noqa: PERF401  # noted as it comes

    async with asyncio.TaskGroup() as group:
        group.create_task(listen())
        await wait_until(lambda: heard == ["queued"], within=2, what="the first event")
        claim = await claimed(store, job_id)
        await wait_until(lambda: heard == ["queued", "running"], within=2, what="the claim")
        await store.complete(claim.lease, result={})

    assert heard == ["queued", "running", "completed"]


@pytest.mark.parametrize("after", range(5))
async def test_a_follower_resumes_after_any_event(
    store: JobStore, log: EventLog, patient_hub: EventHub, after: int
) -> None:
    job_id = await _with_progress(store, 2)
    await store.cancel(job_id)

    followed = await _all(log.follow(job_id, patient_hub, after=after))

    assert followed == ["queued", "running", "progress", "progress", "cancelled"][after:]


async def test_silence_is_none_each_time(store: JobStore, log: EventLog, hub: EventHub) -> None:
    followed = log.follow(await queued(store), hub)

    heard = [await anext(followed) for _ in range(3)]

    assert [event and event.event for event in heard] == ["queued", None, None]


async def test_following_goes_on_after_silence(store: JobStore, log: EventLog, hub: EventHub) -> None:
    job_id = await queued(store)
    followed = log.follow(job_id, hub, after=1)
    assert await anext(followed) is None

    await store.cancel(job_id)

    assert await _all(followed) == ["cancelled"]


async def test_following_a_job_after_its_end_ends_at_once(
    store: JobStore, log: EventLog, patient_hub: EventHub
) -> None:
    """Not after a silence: nothing more can come."""
    job_id = await ended(store, State.COMPLETED)

    async with asyncio.timeout(2.5):
        assert [event async for event in log.follow(job_id, patient_hub, after=3)] == []


class _Interrupted(PipelinedRedis):
    """A client between any two of whose commands somebody else does something."""

    meanwhile: Callable[[], Awaitable[object]]

    async def execute_together(self, commands: Sequence[tuple[tuple[Any, ...], Mapping[str, Any]]]) -> list[Any]:
        replies: list[Any] = []
        for command in commands:
            replies += await super().execute_together([command])
            await self.meanwhile()
        return replies


async def test_the_end_is_heard_even_when_it_comes_between_two_commands(
    settings: Settings, store: JobStore, patient_hub: EventHub
) -> None:
    """The job ends just after it was seen waiting, or just after its events were read."""
    job_id = await queued(store)
    interrupted = _Interrupted.open(settings, name="interrupted", reply_within=timedelta(seconds=2))
    interrupted.meanwhile = lambda: store.cancel(job_id)
    log = EventLog(interrupted, patience=timedelta(seconds=2))

    assert await _all(log.follow(job_id, patient_hub, after=1)) == ["cancelled"]

    await interrupted.aclose()


@pytest.mark.parametrize("after", [0, 1])
async def test_an_unknown_job_cannot_be_followed(log: EventLog, patient_hub: EventHub, after: int) -> None:
    with pytest.raises(JobNotFound):
        await anext(log.follow(UNKNOWN, patient_hub, after=after))


async def test_a_follower_that_missed_trimmed_events_is_told(
    store: JobStore, redis: Redis, log: EventLog, hub: EventHub
) -> None:
    job_id = await _with_progress(store, 8)
    await redis.xtrim(keys.events(job_id), maxlen=4, approximate=False)

    with pytest.raises(EventsGone):
        await anext(log.follow(job_id, hub, after=3))


async def test_a_new_follower_of_a_trimmed_job_starts_where_it_is_kept(
    store: JobStore, redis: Redis, log: EventLog, hub: EventHub
) -> None:
    job_id = await _with_progress(store, 8)
    await redis.xtrim(keys.events(job_id), maxlen=4, approximate=False)

    first = await anext(log.follow(job_id, hub))

    assert first is not None
    assert first.sequence == 7


async def test_a_job_that_is_forgotten_while_followed_ends_the_following(
    store: JobStore, redis: Redis, log: EventLog, hub: EventHub
) -> None:
    job_id = await queued(store)
    followed = log.follow(job_id, hub, after=1)
    assert await anext(followed) is None

    await redis.delete(keys.job(job_id), keys.events(job_id))

    assert await _all(followed) == []
