"""Schedules: a job that is made again and again, at its times, whichever workers live.

A schedule stands in one sorted set by the time of its next run. Workers look what is due there and work out the time
after that; one script moves the schedule and makes the job, if no other worker has done so. Times that were missed
because no worker lived are made up for by one run.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, cast
from uuid import UUID, uuid5

import structlog
from pydantic import Field

from jobs import keys
from jobs.connection import answered
from jobs.errors import IdempotencyConflict, ScheduleBusy, ScheduleNotFound, TooManySchedules
from jobs.ids import new_id
from jobs.model import Frozen
from jobs.new_job import Created, Idempotency, NewJob
from jobs.prices import to_usd
from jobs.records import to_datetime, to_ms
from jobs.recurrence import Recurrence
from jobs.settings import Settings
from jobs.states import State
from jobs.store import JobStore

TIMES_SHOWN = 5
"""Next times that are worked out for whoever looks."""
LOOKED_AT = 1000
"""Schedules looked at for one page of a list; a page cut short by it has a cursor to go on from."""
_AT_ONCE = 100
_log = structlog.stdlib.get_logger(__name__)


class Overlap(StrEnum):
    """What becomes of a run while the job of the one before has not ended."""

    SKIP = "skip"
    """It is left out."""
    QUEUE = "queue"
    """It is made all the same."""
    CANCEL_RUNNING = "cancel_running"
    """It is made, and the one before is cancelled."""


class Run(Frozen):
    """A time that came."""

    due_at: datetime = Field(description="When it was to be")
    at: datetime = Field(description="When it was made, or left out")
    job_id: str | None = Field(description="Null: left out, because the job of the run before had not ended")
    state: State | None = Field(default=None, description="Of the job; null when that is no longer kept")


class Schedule(Frozen):
    """A schedule as clients see it."""

    id: str
    kind: str
    input: dict[str, Any]
    user_id: str | None
    cron: str | None = None
    time_zone: str | None = None
    interval_seconds: int | None = None
    overlap: Overlap
    created_at: datetime
    paused_at: datetime | None = Field(default=None, description="Null unless it is paused")
    next_runs: list[datetime] = Field(description=f"The next {TIMES_SHOWN}; none while it is paused")
    made: int = Field(description="Runs so far")
    left_out: int = Field(description="Runs that were left out")
    runs: list[Run] = Field(description="The last ten, newest first")
    priority: int
    max_attempts: int
    start_deadline_seconds: int
    max_cost: float | None = None
    time_limit_seconds: int | None = None
    retention_seconds: int | None = None
    concurrency_key: str | None = None
    concurrency_limit: int | None = None
    changes: int = Field(default=0, description="How often it was changed")


@dataclass(frozen=True)
class SchedulePage:
    schedules: list[Schedule]
    cursor: str | None
    """The id that the next page starts after, or None after the last one."""


class ScheduleStore:
    """Every method raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, jobs: JobStore, settings: Settings, *, patience: timedelta) -> None:
        self._redis = jobs.redis
        self._scripts = jobs.scripts
        self._settings = settings
        self._patience = patience

    # -- Clients ------------------------------------------------------------------------------------------------------

    async def create(
        self, new: NewJob, recurrence: Recurrence, *, overlap: Overlap, idempotency: Idempotency | None = None
    ) -> Created:
        """Jobs like `new` are made at these times from now on.

        Raises IdempotencyConflict, TooManySchedules; ValueError if no time comes.
        """
        new = new.with_defaults(self._settings)
        now = await self._now()
        due = recurrence.after(now, since=now)
        if due is None:
            raise ValueError("never comes within fifty years")
        outcome, found = await self._scripts.add_schedule(
            schedule_id=new_id(),
            fields=_fields(new, recurrence, overlap, now),
            due=to_ms(due),
            owner=new.user_id or "",
            most=self._settings.max_schedules_per_user,
            remembered_as=keys.idempotency(idempotency.owner, idempotency.key) if idempotency else "",
            fingerprint=idempotency.fingerprint if idempotency else "",
            remember=int(self._settings.idempotency_ttl.total_seconds()),
        )
        if outcome == "conflict":
            raise IdempotencyConflict(found)
        if outcome == "full":
            raise TooManySchedules(new.user_id, found)
        return Created(job_id=found, replayed=outcome == "replayed")

    async def get(self, schedule_id: str) -> Schedule:
        """Raises ScheduleNotFound."""
        [found] = await self._read([schedule_id])
        if found is None:
            raise ScheduleNotFound(schedule_id)
        return found

    async def page(
        self, *, kind: str | None = None, user_id: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> SchedulePage:
        """At most `limit` schedules, newest first, after the one whose id `cursor` is."""
        found: list[Schedule] = []
        looked_at = 0
        async for schedule_id, schedule in self._newest_first(cursor):
            looked_at += 1
            if schedule and kind in {None, schedule.kind} and user_id in {None, schedule.user_id}:
                found.append(schedule)
            if len(found) == limit or looked_at == LOOKED_AT:
                return SchedulePage(found, cursor=schedule_id)
        return SchedulePage(found, cursor=None)

    async def change(self, seen: Schedule, new: NewJob, recurrence: Recurrence, *, overlap: Overlap) -> bool:
        """Makes jobs like `new` at these times, in place of what was `seen`. The next time stays if the times do.

        False if it has been changed since. Raises ScheduleNotFound; ValueError if no time comes.
        """
        now, due = await self._now(), None
        if recurrence != _recurrence_of(seen):
            due = recurrence.after(now, since=seen.created_at)
            if due is None:
                raise ValueError("never comes within fifty years")
        fields = _fields(new.with_defaults(self._settings), recurrence, overlap, seen.created_at)
        [changed] = await self._scripts.change_schedule(
            schedule_id=seen.id, fields=fields, due=to_ms(due) if due else None, seen=seen.changes
        )
        if changed == 0:
            raise ScheduleNotFound(seen.id)
        return changed == 1

    async def run(self, schedule_id: str, *, key: str | None = None) -> Created:
        """Makes a job now, paused or not; the times of the schedule stay. With the same `key`: once.

        Raises ScheduleNotFound, ScheduleBusy.
        """
        job_id = str(uuid5(UUID(schedule_id), f"key {key}")) if key else new_id()
        outcome, *found = await self._scripts.fire_schedule(
            schedule_id=schedule_id, due=None, following=None, seen=0, job_id=job_id
        )
        if outcome == "left out":
            raise ScheduleBusy(found[0])
        if not outcome:
            raise ScheduleNotFound(schedule_id)
        return Created(job_id=job_id, replayed=bool(key) and outcome == "made before")

    async def pause(self, schedule_id: str) -> None:
        """No run is made until it is resumed. May be repeated. Raises ScheduleNotFound."""
        [known] = await self._scripts.time_schedule(schedule_id=schedule_id, due=None)
        if not known:
            raise ScheduleNotFound(schedule_id)

    async def resume(self, schedule_id: str) -> None:
        """Goes on with the next time from now; those of the pause are not made up for. Raises ScheduleNotFound."""
        async with answered(self._patience):
            record = cast("dict[str, str]", await cast("Any", self._redis.hgetall(keys.schedule(schedule_id))))
        if not record:
            raise ScheduleNotFound(schedule_id)
        due = _recurrence(record).after(await self._now(), since=to_datetime(record["created_at"]))
        await self._scripts.time_schedule(schedule_id=schedule_id, due=to_ms(due) if due else None)

    async def remove(self, schedule_id: str) -> None:
        """Its jobs go on. Raises ScheduleNotFound."""
        [known] = await self._scripts.remove_schedule(schedule_id=schedule_id)
        if not known:
            raise ScheduleNotFound(schedule_id)

    # -- Workers ------------------------------------------------------------------------------------------------------

    async def fire(self) -> int:
        """Makes the jobs whose time has come; returns how many. Any number of workers may do so at once."""
        made = 0
        while True:
            now, *due = await self._scripts.due_schedules(most=_AT_ONCE)
            for schedule_id, due_at, *fields in due:
                made += await self._fire(schedule_id, int(due_at), dict(zip(_TIMED_BY, fields, strict=True)), now)
            if len(due) < _AT_ONCE:
                return made

    async def _fire(self, schedule_id: str, due: int, record: dict[str, str], now: int) -> bool:
        try:
            following = _recurrence(record).after(to_datetime(now), since=to_datetime(record["created_at"]))
        except Exception:  # noqa: BLE001  # whatever it is, the other schedules go on
            # Of a newer version, or in a time zone that is not known here: another worker may know it.
            _log.exception("a schedule cannot be read here", schedule=schedule_id)
            return False
        outcome, *_ = await self._scripts.fire_schedule(
            schedule_id=schedule_id,
            due=due,
            following=to_ms(following) if following else None,
            seen=int(record["changes"] or 0),
            job_id=str(uuid5(UUID(schedule_id), str(due))),
        )
        return outcome == "made"

    # -- Inside -------------------------------------------------------------------------------------------------------

    async def _now(self) -> datetime:
        async with answered(self._patience):
            seconds, micros = await self._redis.time()
        return to_datetime(seconds * 1000 + micros // 1000)

    async def _newest_first(self, after: str | None) -> AsyncIterator[tuple[str, Schedule | None]]:
        while True:
            async with answered(self._patience):
                ids = cast(
                    "list[str]",
                    await cast("Any", self._redis).zrange(
                        keys.SCHEDULES,
                        f"({after}" if after else "+",
                        "-",
                        desc=True,
                        bylex=True,
                        offset=0,
                        num=_AT_ONCE,
                    ),
                )
            for schedule_id, schedule in zip(ids, await self._read(ids), strict=True):
                yield schedule_id, schedule
            if len(ids) < _AT_ONCE:
                return
            after = ids[-1]

    async def _read(self, ids: Sequence[str]) -> list[Schedule | None]:
        """Those of these schedules, in their order, with what became of their last runs."""
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            for schedule_id in ids:
                pipe.hgetall(keys.schedule(schedule_id))
                pipe.lrange(keys.schedule(schedule_id) + keys.RUNS, 0, -1)
                pipe.zscore(keys.SCHEDULES_DUE, schedule_id)
            (seconds, _), *found = await pipe.execute()
        records = cast("list[dict[str, str]]", found[::3])
        runs = [[cast("dict[str, Any]", json.loads(run)) for run in texts] for texts in found[1::3]]
        states = await self._states([run["job"] for some in runs for run in some if "job" in run])
        return [
            _to_schedule(record, some, states, due, to_datetime(seconds * 1000)) if record else None
            for record, some, due in zip(records, runs, found[2::3], strict=True)
        ]

    async def _states(self, job_ids: Sequence[str]) -> dict[str, str]:
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hget(keys.job(job_id), "state")
            found = cast("list[str | None]", await pipe.execute())
        return {job_id: state for job_id, state in zip(job_ids, found, strict=True) if state}


_TIMED_BY = ("cron", "time_zone", "interval", "created_at", "changes")
"""Fields that due_schedules.lua tells."""


def _fields(new: NewJob, recurrence: Recurrence, overlap: Overlap, created_at: datetime) -> dict[str, str]:
    """The fields of a schedule's hash."""
    interval, deadline = recurrence.interval, new.start_deadline
    return {
        "cron": recurrence.cron or "",
        "time_zone": recurrence.time_zone,
        "interval": str(int(interval.total_seconds())) if interval else "",
        "overlap": overlap,
        "created_at": str(to_ms(created_at)),
        "start_within": str(to_ms(created_at + deadline) - to_ms(created_at)) if deadline else "0",
        "job": json.dumps(new.record()),
    }


def _recurrence_of(schedule: Schedule) -> Recurrence:
    if schedule.interval_seconds:
        return Recurrence(interval=timedelta(seconds=schedule.interval_seconds))
    return Recurrence(cron=schedule.cron, time_zone=schedule.time_zone or "UTC")


def _recurrence(record: dict[str, str]) -> Recurrence:
    if record["interval"]:
        return Recurrence(interval=timedelta(seconds=int(record["interval"])))
    return Recurrence(cron=record["cron"], time_zone=record["time_zone"])


def _to_schedule(
    record: dict[str, str], runs: list[dict[str, Any]], states: dict[str, str], due: float | None, now: datetime
) -> Schedule:
    job = cast("dict[str, str]", json.loads(record["job"]))
    recurrence, created_at = _recurrence(record), to_datetime(record["created_at"])
    # The one that is due may be overdue; it comes all the same.
    first = [] if due is None else [to_datetime(due)]
    others = recurrence.times(max(now, first[0]), since=created_at) if first else iter(())
    return Schedule(
        id=record["id"],
        kind=job["kind"],
        input=json.loads(job["input"]),
        user_id=job["user_id"] or None,
        cron=recurrence.cron,
        time_zone=recurrence.time_zone if recurrence.cron else None,
        interval_seconds=int(record["interval"]) if record["interval"] else None,
        overlap=Overlap(record["overlap"]),
        created_at=created_at,
        paused_at=to_datetime(record["paused_at"]) if "paused_at" in record else None,
        next_runs=[*first, *islice(others, TIMES_SHOWN - len(first))],
        made=int(record.get("made", 0)),
        left_out=int(record.get("left_out", 0)),
        runs=[_to_run(run, states) for run in runs],
        priority=int(job["priority"]),
        max_attempts=int(job["max_attempts"]),
        start_deadline_seconds=int(record["start_within"]) // 1000,
        max_cost=to_usd(int(job["max_cost"])) if job["max_cost"] else None,
        time_limit_seconds=int(job["time_limit"]) if "time_limit" in job else None,
        retention_seconds=int(job["retention"]) if "retention" in job else None,
        concurrency_key=job.get("concurrency_key"),
        concurrency_limit=int(job["concurrency_limit"]) if "concurrency_limit" in job else None,
        changes=int(record.get("changes", 0)),
    )


def _to_run(run: dict[str, Any], states: dict[str, str]) -> Run:
    job_id = run.get("job")
    state = states.get(job_id) if job_id else None
    return Run(
        due_at=to_datetime(run["due"]), at=to_datetime(run["at"]), job_id=job_id, state=State(state) if state else None
    )
