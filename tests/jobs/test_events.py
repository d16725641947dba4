"""jobs/events.py: the history of a job, and following it from anywhere."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.errors import EventsGone, JobNotFound
from jobs.events import Event, EventLog
from jobs.model import Progress
from jobs.settings import Settings
from jobs.states import State
from jobs.store import JobStore
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import claimed, ended, queued, running
from tests.support.waiting import wait_until

UNKNOWN = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def log(redis: Redis) -> EventLog:
    return EventLog(redis, patience=timedelta(seconds=2), keep_alive=timedelta(milliseconds=50))


@pytest.fixture
def patient_log(redis: Redis) -> EventLog:
    """One whose silence would outlast the test."""
    return EventLog(redis, patience=timedelta(seconds=2), keep_alive=timedelta(seconds=3))


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


@pytest.mark.parametrize(("after", "sequences"), [(0, [1, 2, 3, 4]), (2, [3, 4]), (4, []), (99, [])])
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

    with pytest.raises(EventsGone) as gone:
        await log.history(job_id, after=5)

    assert gone.value.first == 7


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


async def test_following_ends_after_the_final_event(store: JobStore, patient_log: EventLog) -> None:
    job_id = await ended(store, State.COMPLETED)

    assert await _all(patient_log.follow(job_id)) == ["queued", "running", "completed"]


async def test_a_follower_hears_events_as_they_happen(store: JobStore, patient_log: EventLog) -> None:
    job_id = await queued(store)
    heard: list[str] = []

    async def listen() -> None:
        async for event in patient_log.follow(job_id):
            heard.append(event.event if event else "silence")  # noqa: PERF401  # noted as it comes

    async with asyncio.TaskGroup() as group:
        group.create_task(listen())
        await wait_until(lambda: heard == ["queued"], within=2, what="the first event")
        claim = await claimed(store, job_id)
        await wait_until(lambda: heard == ["queued", "running"], within=2, what="the claim")
        await store.complete(claim.lease, result={})

    assert heard == ["queued", "running", "completed"]


@pytest.mark.parametrize("after", range(5))
async def test_a_follower_resumes_after_any_event(store: JobStore, patient_log: EventLog, after: int) -> None:
    job_id = await _with_progress(store, 2)
    await store.cancel(job_id)

    followed = await _all(patient_log.follow(job_id, after=after))

    assert followed == ["queued", "running", "progress", "progress", "cancelled"][after:]


async def test_silence_is_none_each_time(store: JobStore, log: EventLog) -> None:
    followed = log.follow(await queued(store))

    heard = [await anext(followed) for _ in range(3)]

    assert [event and event.event for event in heard] == ["queued", None, None]


async def test_following_goes_on_after_silence(store: JobStore, log: EventLog) -> None:
    job_id = await queued(store)
    followed = log.follow(job_id, after=1)
    assert await anext(followed) is None

    await store.cancel(job_id)

    assert await _all(followed) == ["cancelled"]


@pytest.mark.parametrize("after", [3, 99])
async def test_following_a_job_after_its_end_ends_at_once(store: JobStore, patient_log: EventLog, after: int) -> None:
    """Not after a silence: nothing more can come."""
    job_id = await ended(store, State.COMPLETED)

    async with asyncio.timeout(2.5):
        assert [event async for event in patient_log.follow(job_id, after=after)] == []


class _CancelledInSilence(EventLog):
    """A log whose jobs are cancelled just after a read without an event."""

    def __init__(self, store: JobStore) -> None:
        super().__init__(store.redis, patience=timedelta(seconds=2), keep_alive=timedelta(milliseconds=50))
        self._store = store

    async def _ended(self, whose: str) -> bool:
        await self._store.cancel(whose)
        return await super()._ended(whose)


async def test_the_end_is_heard_even_when_it_comes_with_a_silence(store: JobStore) -> None:
    """The job ends between a silent read and the question whether it has ended."""
    job_id = await queued(store)

    assert await _all(_CancelledInSilence(store).follow(job_id)) == ["queued", "cancelled"]


@pytest.mark.parametrize("after", [0, 1])
async def test_an_unknown_job_cannot_be_followed(patient_log: EventLog, after: int) -> None:
    with pytest.raises(JobNotFound):
        await anext(patient_log.follow(UNKNOWN, after=after))


async def test_a_follower_that_missed_trimmed_events_is_told(store: JobStore, redis: Redis, log: EventLog) -> None:
    job_id = await _with_progress(store, 8)
    await redis.xtrim(keys.events(job_id), maxlen=4, approximate=False)

    with pytest.raises(EventsGone):
        await anext(log.follow(job_id, after=3))


async def test_a_new_follower_of_a_trimmed_job_starts_where_it_is_kept(
    store: JobStore, redis: Redis, log: EventLog
) -> None:
    job_id = await _with_progress(store, 8)
    await redis.xtrim(keys.events(job_id), maxlen=4, approximate=False)

    first = await anext(log.follow(job_id))

    assert first is not None
    assert first.sequence == 7


async def test_a_job_that_is_forgotten_while_followed_ends_the_following(
    store: JobStore, redis: Redis, log: EventLog
) -> None:
    job_id = await queued(store)
    followed = log.follow(job_id, after=1)
    assert await anext(followed) is None

    await redis.delete(keys.job(job_id), keys.events(job_id))

    assert await _all(followed) == []
