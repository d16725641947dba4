"""Jobs that are to run later: scheduled, then queued by a sweep."""

from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from jobs import keys
from jobs.batches import BatchStore, Item
from jobs.explanation import explain
from jobs.fleet import Fleet
from jobs.listing import Filter, JobList
from jobs.model import JobError
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.states import Reason, State
from jobs.store import JobStore, Swept
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, claimed, queued, story
from tests.support.time_travel import PAST, make_retry_due, rewrite, sweep

PATIENCE = timedelta(seconds=5)
HOUR = timedelta(hours=1)


def _later(*, user_id: str | None = None, start_deadline: timedelta | None = None) -> NewJob:
    return story(delay=HOUR, user_id=user_id, start_deadline=start_deadline)


async def test_a_delayed_job_is_scheduled_and_has_no_message(store: JobStore, held: Inspector) -> None:
    job = await store.get(await queued(store, _later(start_deadline=timedelta(minutes=5))))

    assert job.run_at is not None
    assert (job.state, job.state_reason, job.attempt, job.retry_at) == (State.SCHEDULED, None, 0, None)
    assert job.run_at == job.created_at + HOUR
    assert job.deadline == job.run_at + timedelta(minutes=5)
    assert job.waiting is not None
    assert (job.waiting.on, job.waiting.until) == ("scheduled", job.run_at)
    assert await held.messages(LANE) == []
    assert await held.score(keys.SCHEDULED, job.id) == job.run_at.timestamp() * 1000
    assert await held.members(keys.DEADLINES) == [], "that counts from when it is queued"
    assert await held.events(job.id) == ["scheduled"]
    assert await held.last_event(job.id) == {"state": "scheduled", "run_at": int(job.run_at.timestamp() * 1000)}


async def test_a_job_for_a_date_has_that_date(store: JobStore) -> None:
    at = datetime.now(UTC).replace(microsecond=123_456) + HOUR
    new = story()
    job = await store.get(await queued(store, NewJob(new.kind, new.input, run_at=at)))

    assert job.state is State.SCHEDULED
    assert job.run_at == at.replace(microsecond=123_000)


async def test_a_date_that_has_passed_is_at_once(store: JobStore, held: Inspector) -> None:
    new = story()
    job = await store.get(await queued(store, NewJob(new.kind, new.input, run_at=datetime(1970, 1, 2, tzinfo=UTC))))

    assert (job.state, job.run_at) == (State.QUEUED, None)
    assert await held.messages(LANE) == [job.id]
    assert await held.members(keys.DEADLINES) == [job.id]


async def test_a_sweep_queues_a_job_at_its_time(store: JobStore, redis: Redis, held: Inspector) -> None:
    before, later, after = [await queued(store, new) for new in (story(), _later(), story())]
    assert await sweep(store) == Swept()
    await make_retry_due(redis, later)

    assert await sweep(store) == Swept(retries_due=1)

    job = await store.get(later)
    assert (job.state, job.state_reason) == (State.QUEUED, None)
    assert await held.messages(LANE) == [before, after, later], "it joins the order then"
    assert await held.members(keys.SCHEDULED) == []
    assert await held.score(keys.DEADLINES, later) == job.deadline.timestamp() * 1000
    assert await held.events(later) == ["scheduled", "queued"]


async def test_a_job_that_nobody_swept_in_time_expires(store: JobStore, redis: Redis) -> None:
    """As one that was queued all that time."""
    job_id = await queued(store, _later())
    await rewrite(redis, job_id, deadline=PAST)
    await make_retry_due(redis, job_id)

    assert await sweep(store) == Swept(retries_due=1, expired=1)

    assert (await store.get(job_id)).state is State.EXPIRED


async def test_a_delayed_job_can_be_cancelled(store: JobStore, held: Inspector) -> None:
    job_id = await queued(store, _later())

    assert await store.cancel(job_id) is State.CANCELLED

    assert await held.members(keys.SCHEDULED) == []
    assert await held.events(job_id) == ["scheduled", "cancelled"]


async def test_a_list_shows_delayed_jobs(store: JobStore) -> None:
    job_id = await queued(store, _later(user_id="ann"))

    page = await JobList(store.redis, store.scripts, patience=PATIENCE).page(
        Filter(state=State.SCHEDULED, user_id="ann")
    )

    assert [job.id for job in page.jobs] == [job_id]


async def test_a_delayed_job_says_when_it_will_be_queued(store: JobStore, redis: Redis) -> None:
    fleet = Fleet(redis, patience=PATIENCE)
    job_id = await queued(store, _later())
    job = await store.get(job_id)
    assert job.run_at is not None

    on_time = await explain(job_id, redis, store, fleet, patience=PATIENCE)

    assert not on_time.wrong
    assert on_time.why.startswith(f"It is scheduled: it joins queue default at {job.run_at:%Y-%m-%d %H:%M:%S} UTC, in ")

    await rewrite(redis, job_id, run_at=PAST)
    late = await explain(job_id, redis, store, fleet, patience=PATIENCE)

    assert late.wrong
    assert "start a worker, whose sweep does that" in late.why


async def test_a_retry_of_a_delayed_job_runs_at_once(store: JobStore) -> None:
    job_id = await queued(store, _later())
    await store.cancel(job_id)

    again = await store.get((await store.retry(job_id)).job_id)

    assert (again.state, again.run_at) == (State.QUEUED, None)


async def test_the_wait_for_a_capable_worker_is_not_longer_by_the_delay(store: JobStore, redis: Redis) -> None:
    """It may last as long as the first start may take, which counts from when the job is due."""
    job_id = await queued(store, _later(start_deadline=timedelta(minutes=5)))
    await make_retry_due(redis, job_id)
    await sweep(store)
    claim = await claimed(store, job_id)
    ten_minutes_ago = int((datetime.now(UTC) - timedelta(minutes=10)).timestamp() * 1000)
    await rewrite(redis, job_id, incapable_since=ten_minutes_ago)

    lacking = JobError(reason=Reason.NO_CAPABLE_WORKER, message="There is no such kind here.")
    assert await store.retry_later(claim.lease, lacking, wait=timedelta(0)) is State.FAILED


async def test_a_batch_can_be_for_later(store: JobStore, settings: Settings, held: Inspector) -> None:
    batches = BatchStore(store, settings, patience=PATIENCE)
    items = [Item("later", _later()), Item("now", story())]

    batch = await batches.get((await batches.create(items, user_id=None)).job_id)

    assert {state: jobs for state, jobs in batch.counts.items() if jobs} == {State.SCHEDULED: 1, State.QUEUED: 1}
    assert len(await held.messages(LANE)) == 1
    await batches.cancel(batch.id)
    assert (await batches.get(batch.id)).state is State.CANCELLED
