"""Schedules: their jobs are made at their times, once, whichever workers live."""

import asyncio
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from jobs import keys
from jobs.errors import IdempotencyConflict, ScheduleNotFound
from jobs.fleet import Fleet
from jobs.recurrence import Recurrence
from jobs.schedules import Overlap, ScheduleStore
from jobs.settings import Settings
from jobs.states import Reason, State
from jobs.store import JobStore
from tests.jobs.conftest import Lossy
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE, claimed, story, under_key
from tests.support.time_travel import PAST, make_schedule_due

PATIENCE = timedelta(seconds=5)
HOURLY = Recurrence(interval=timedelta(hours=1))


@pytest.fixture
def schedules(store: JobStore, settings: Settings) -> ScheduleStore:
    return ScheduleStore(store, settings, patience=PATIENCE)


async def _made(schedules: ScheduleStore, overlap: Overlap = Overlap.SKIP, *, user_id: str | None = None) -> str:
    return (await schedules.create(story(user_id=user_id), HOURLY, overlap=overlap)).job_id


async def _fired(schedules: ScheduleStore, redis: Redis, schedule_id: str, *, at: int = PAST) -> str | None:
    """The job of the run for that time; None if it was left out."""
    await make_schedule_due(redis, schedule_id, at=at)
    await schedules.fire()
    return (await schedules.get(schedule_id)).runs[0].job_id


async def test_a_new_schedule_waits_for_its_first_time(schedules: ScheduleStore, held: Inspector) -> None:
    schedule = await schedules.get(await _made(schedules, user_id="ann"))

    assert (schedule.kind, schedule.user_id, schedule.input["title"]) == ("story", "ann", "The Fox")
    assert (schedule.interval_seconds, schedule.cron, schedule.time_zone, schedule.overlap) == (
        3600,
        None,
        None,
        "skip",
    )
    assert schedule.next_runs == [schedule.created_at + timedelta(hours=hours) for hours in (1, 2, 3, 4, 5)]
    assert (schedule.made, schedule.left_out, schedule.runs, schedule.paused_at) == (0, 0, [], None)
    assert await schedules.fire() == 0
    assert await held.members(keys.INDEX_ALL) == []


async def test_its_job_is_made_when_its_time_has_come(
    schedules: ScheduleStore, store: JobStore, redis: Redis, held: Inspector
) -> None:
    schedule_id = await _made(schedules, user_id="ann")
    first = (await schedules.get(schedule_id)).next_runs[0]
    await make_schedule_due(redis, schedule_id)

    assert await schedules.fire() == 1

    schedule = await schedules.get(schedule_id)
    [run] = schedule.runs
    assert run.job_id is not None
    job = await store.get(run.job_id)
    assert (job.state, job.kind, job.user_id, job.schedule) == (State.QUEUED, "story", "ann", schedule_id)
    assert await held.messages(LANE) == [job.id]
    assert (run.state, run.due_at.timestamp() * 1000, run.at) == (State.QUEUED, PAST, job.created_at)
    assert (schedule.made, schedule.left_out) == (1, 0)
    assert schedule.next_runs[0] == first, "one run makes up for all that were missed"
    assert await schedules.fire() == 0
    assert (await held.counters())["schedule_runs_made"] == 1


async def test_of_many_workers_one_makes_the_job(
    settings: Settings, schedules: ScheduleStore, redis: Redis, held: Inspector
) -> None:
    ids = [await _made(schedules) for _ in range(5)]
    for schedule_id in ids:
        await make_schedule_due(redis, schedule_id)
    async with AsyncExitStack() as stack:
        stores = [
            await stack.enter_async_context(aclosing(JobStore.open(settings, name=f"w{n}", patience=PATIENCE)))
            for n in range(8)
        ]
        made = await asyncio.gather(*(ScheduleStore(one, settings, patience=PATIENCE).fire() for one in stores))

    assert sum(made) == 5
    assert len(await held.members(keys.INDEX_ALL)) == 5
    assert [(await schedules.get(schedule_id)).made for schedule_id in ids] == [1] * 5


async def test_a_run_whose_reply_was_lost_is_made_once(
    lossy: Lossy, settings: Settings, schedules: ScheduleStore, redis: Redis, held: Inspector
) -> None:
    schedule_id = await _made(schedules)
    through = ScheduleStore(lossy.store, settings, patience=PATIENCE)
    await through.fire()  # its scripts are known to Redis
    await make_schedule_due(redis, schedule_id)

    with lossy.proxy.losing_a_reply():
        await through.fire()
    await through.fire()

    assert (await schedules.get(schedule_id)).made == 1
    assert len(await held.members(keys.INDEX_ALL)) == 1


async def test_a_worker_that_comes_late_to_a_run_does_nothing(
    schedules: ScheduleStore, store: JobStore, redis: Redis
) -> None:
    """It looked what is due before another one fired it."""
    schedule_id = await _made(schedules)
    await make_schedule_due(redis, schedule_id)
    now, (_, due, *_) = await store.scripts.due_schedules(most=10)
    await schedules.fire()

    late = await store.scripts.fire_schedule(
        schedule_id=schedule_id, due=int(due), following=now + 1, seen=0, job_id=str(uuid4())
    )

    assert late == [""]
    assert (await schedules.get(schedule_id)).made == 1


# -- Overlap -----------------------------------------------------------------------------------------------------------


async def test_a_run_is_left_out_while_the_one_before_lasts(
    schedules: ScheduleStore, store: JobStore, redis: Redis, held: Inspector
) -> None:
    schedule_id = await _made(schedules, Overlap.SKIP)
    first = await _fired(schedules, redis, schedule_id)
    assert first is not None

    assert await _fired(schedules, redis, schedule_id, at=PAST + 1) is None

    schedule = await schedules.get(schedule_id)
    assert (schedule.made, schedule.left_out) == (1, 1)
    assert [(run.job_id, run.state) for run in schedule.runs] == [(None, None), (first, State.QUEUED)]
    assert (await held.counters())["schedule_runs_left_out"] == 1
    await store.cancel(first)
    assert await _fired(schedules, redis, schedule_id, at=PAST + 2) not in {None, first}


async def test_a_run_can_queue_behind_the_one_before(schedules: ScheduleStore, redis: Redis, held: Inspector) -> None:
    schedule_id = await _made(schedules, Overlap.QUEUE)
    first = await _fired(schedules, redis, schedule_id)
    second = await _fired(schedules, redis, schedule_id, at=PAST + 1)

    assert await held.messages(LANE) == [first, second]


async def test_a_run_can_take_the_place_of_the_one_before(
    schedules: ScheduleStore, store: JobStore, redis: Redis, held: Inspector
) -> None:
    schedule_id = await _made(schedules, Overlap.CANCEL_RUNNING)
    first = await _fired(schedules, redis, schedule_id)
    assert first is not None
    await held.pop(LANE)
    await claimed(store, first)
    await make_schedule_due(redis, schedule_id, at=PAST + 1)

    assert await schedules.fire() == 1

    job = await store.get(first)
    assert (job.state, job.state_reason) == (State.CANCELLED, Reason.SUPERSEDED)
    assert await held.signals(first) == [first]
    second = (await schedules.get(schedule_id)).runs[0].job_id
    assert await held.messages(LANE) == [second]


# -- Pause, resume, remove ---------------------------------------------------------------------------------------------


async def test_a_paused_schedule_makes_no_job(schedules: ScheduleStore, redis: Redis) -> None:
    schedule_id = await _made(schedules)
    await make_schedule_due(redis, schedule_id)
    await schedules.pause(schedule_id)
    paused_at = (await schedules.get(schedule_id)).paused_at
    await schedules.pause(schedule_id)

    assert await schedules.fire() == 0

    schedule = await schedules.get(schedule_id)
    assert paused_at is not None
    assert (schedule.paused_at, schedule.next_runs) == (paused_at, [])


async def test_a_resumed_schedule_makes_up_for_nothing(schedules: ScheduleStore, redis: Redis) -> None:
    schedule_id = await _made(schedules)
    await make_schedule_due(redis, schedule_id)
    await schedules.pause(schedule_id)

    await schedules.resume(schedule_id)

    schedule = await schedules.get(schedule_id)
    assert (schedule.paused_at, schedule.next_runs[0]) == (None, schedule.created_at + timedelta(hours=1))
    assert await schedules.fire() == 0


async def test_to_resume_what_is_not_paused_leaves_out_no_run(schedules: ScheduleStore, redis: Redis) -> None:
    schedule_id = await _made(schedules)
    await make_schedule_due(redis, schedule_id)

    await schedules.resume(schedule_id)

    assert await schedules.fire() == 1


async def test_a_removed_schedule_is_gone_and_its_job_goes_on(
    schedules: ScheduleStore, store: JobStore, redis: Redis, held: Inspector
) -> None:
    schedule_id = await _made(schedules)
    job_id = await _fired(schedules, redis, schedule_id)
    assert job_id is not None

    await schedules.remove(schedule_id)

    assert await held.names("hr:schedule*") == []
    assert (await store.get(job_id)).state is State.QUEUED
    for call in (schedules.get, schedules.pause, schedules.resume, schedules.remove):
        with pytest.raises(ScheduleNotFound):
            await call(schedule_id)


async def test_a_run_may_outlive_the_record_of_its_job(schedules: ScheduleStore, redis: Redis) -> None:
    schedule_id = await _made(schedules)
    job_id = await _fired(schedules, redis, schedule_id)
    await redis.delete(keys.job(str(job_id)))

    assert (await schedules.get(schedule_id)).runs[0].state is None
    assert await _fired(schedules, redis, schedule_id, at=PAST + 1) not in {None, job_id}, "nothing is in its way"


async def test_the_same_time_makes_no_second_job(schedules: ScheduleStore, redis: Redis, held: Inspector) -> None:
    """Should Redis have forgotten that it was done, as after a failover."""
    schedule_id = await _made(schedules, Overlap.QUEUE)
    await _fired(schedules, redis, schedule_id)
    await make_schedule_due(redis, schedule_id)

    assert await schedules.fire() == 0

    assert len(await held.members(keys.INDEX_ALL)) == 1
    assert (await schedules.get(schedule_id)).next_runs[0] > datetime.now(UTC)


async def test_the_last_ten_runs_are_kept(schedules: ScheduleStore, redis: Redis) -> None:
    schedule_id = await _made(schedules, Overlap.QUEUE)
    for number in range(12):
        await make_schedule_due(redis, schedule_id, at=PAST + number)
        await schedules.fire()

    schedule = await schedules.get(schedule_id)
    assert schedule.made == 12
    assert [run.due_at.timestamp() * 1000 for run in schedule.runs] == [PAST + number for number in range(11, 1, -1)]


# -- Lists, keys, counts -----------------------------------------------------------------------------------------------


@pytest.fixture
async def several(schedules: ScheduleStore) -> list[str]:
    """Of Ann and Bob in turn, oldest first."""
    return sorted([await _made(schedules, user_id=user) for user in ("ann", "bob") * 3])


async def test_a_list_has_every_schedule_page_by_page(schedules: ScheduleStore, several: list[str]) -> None:
    found: list[str] = []
    cursor = None
    for _ in range(3):
        page = await schedules.page(limit=2, cursor=cursor)
        found += [schedule.id for schedule in page.schedules]
        cursor = page.cursor
    assert found == several[::-1]
    assert (await schedules.page(limit=2, cursor=cursor)).schedules == []


@pytest.mark.usefixtures("several")
async def test_a_list_can_be_of_one_user_or_kind(schedules: ScheduleStore) -> None:
    bobs = (await schedules.page(user_id="bob")).schedules
    assert [schedule.user_id for schedule in bobs] == ["bob"] * 3
    assert len((await schedules.page(kind="story")).schedules) == 6
    assert (await schedules.page(kind="report")).schedules == []


async def test_a_schedule_is_made_once_under_a_key(schedules: ScheduleStore, held: Inspector) -> None:
    first = await schedules.create(story(), HOURLY, overlap=Overlap.SKIP, idempotency=under_key("k"))
    again = await schedules.create(story(), HOURLY, overlap=Overlap.SKIP, idempotency=under_key("k"))
    assert (again.job_id, again.replayed) == (first.job_id, True)
    assert await held.members(keys.SCHEDULES) == [first.job_id]
    with pytest.raises(IdempotencyConflict, match=first.job_id):
        await schedules.create(story(), HOURLY, overlap=Overlap.SKIP, idempotency=under_key("k", says="another"))


async def test_a_schedule_that_never_comes_is_refused(schedules: ScheduleStore, held: Inspector) -> None:
    with pytest.raises(ValueError, match="never comes"):
        await schedules.create(story(), Recurrence("0 0 */31 2 MON#5"), overlap=Overlap.SKIP)
    assert await held.names("hr:schedule*") == []


async def test_one_that_cannot_be_read_here_keeps_none_from_running(
    schedules: ScheduleStore, redis: Redis, held: Inspector
) -> None:
    """A newer version's, or in a time zone that another worker knows."""
    unreadable, other = await _made(schedules), await _made(schedules)
    await redis.hset(keys.schedule(unreadable), mapping={"interval": "", "cron": "* * * * *", "time_zone": "Mars/Base"})  # pyright: ignore[reportGeneralTypeIssues]  # typed for both kinds of client
    for schedule_id in (unreadable, other):
        await make_schedule_due(redis, schedule_id)

    assert await schedules.fire() == 1

    assert await held.score(keys.SCHEDULES_DUE, unreadable) == PAST, "it is still due"


async def test_late_schedules_are_counted(schedules: ScheduleStore, redis: Redis) -> None:
    fleet = Fleet(redis, patience=PATIENCE)
    late, paused, _ = [await _made(schedules) for _ in range(3)]
    await schedules.pause(paused)
    counts = await fleet.schedules()
    assert (counts.total, counts.paused, counts.late, counts.longest_late_seconds) == (3, 1, 0, 0)
    assert await fleet.waiting() == 0

    await make_schedule_due(redis, late)

    counts = await fleet.schedules()
    assert (counts.late, await fleet.waiting()) == (1, 1)
    assert abs(counts.longest_late_seconds - datetime.now(UTC).timestamp()) < 60


async def test_of_two_changes_at_once_none_is_lost(schedules: ScheduleStore) -> None:
    seen = await schedules.get(await _made(schedules))
    daily = Recurrence(interval=timedelta(days=1))

    assert await schedules.change(seen, story(), daily, overlap=Overlap.SKIP)
    assert not await schedules.change(seen, story(), HOURLY, overlap=Overlap.QUEUE), "it has been changed since"

    changed = await schedules.get(seen.id)
    assert (changed.interval_seconds, changed.overlap, changed.changes) == (86400, "skip", 1)
    assert changed.next_runs[0] == seen.created_at + timedelta(days=1)


async def test_a_time_that_was_worked_out_before_a_change_moves_nothing(
    schedules: ScheduleStore, redis: Redis, store: JobStore
) -> None:
    schedule_id = await _made(schedules)
    await make_schedule_due(redis, schedule_id)
    seen = await schedules.get(schedule_id)
    await schedules.change(seen, story(title="Another"), HOURLY, overlap=Overlap.SKIP)

    [outcome] = await store.scripts.fire_schedule(
        schedule_id=schedule_id, due=PAST, following=PAST + 1, seen=0, job_id=str(uuid4())
    )

    assert outcome == ""
    assert await schedules.fire() == 1


async def test_a_run_out_of_turn_whose_answer_is_lost_is_made_once(
    schedules: ScheduleStore, lossy: Lossy, settings: Settings
) -> None:
    schedule_id = await _made(schedules)
    through = ScheduleStore(lossy.store, settings, patience=PATIENCE)
    with lossy.proxy.losing_a_reply():
        job_id = (await through.run(schedule_id)).job_id

    assert [run.job_id for run in (await schedules.get(schedule_id)).runs] == [job_id]
