"""The fleet as a whole: its queues, its workers and its counters, read from Redis by whoever asks."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from pydantic import Field
from redis.asyncio import Redis

from jobs import keys, kinds
from jobs.connection import answered
from jobs.model import Frozen
from jobs.pauses import Pause, of_kind, of_queue, read_pauses
from jobs.purges import Purge, read_purges
from jobs.queues import queue_names
from jobs.records import to_datetime
from jobs.scripts import WORKER_KEEP
from jobs.states import State
from jobs.strikes import Strike, read_strikes


class Queue(Frozen):
    name: str
    queued: int = Field(description="Jobs that wait, held ones included")
    held: int = Field(default=0, description="Of them, those that may not run now, because of a pause or a limit")
    oldest_seconds: float | None = Field(
        description="How long the job has waited that waits longest for a worker; null where none but held ones wait"
    )
    paused: Pause | None = None
    purge: Purge | None = Field(default=None, description="That is not over yet")


class WorkerReport(Frozen):
    """What a worker last said of itself."""

    id: str
    host: str
    pid: int
    version: str
    queues: list[str]
    started_at: datetime
    seen_at: datetime
    jobs: list[str]
    """The jobs that it runs now."""
    slots: int = 1
    """How many it runs at once, HEADRACE_JOBS_PER_WORKER."""


@dataclass(frozen=True)
class Schedules:
    """How many there are, and how late they are."""

    total: int = 0
    paused: int = 0
    late: int = 0
    """Whose time has come and whose job is not made."""
    longest_late_seconds: float = 0.0


@dataclass(frozen=True)
class Counters:
    """The numbers behind `/metrics`; the names are those of the scripts."""

    totals: dict[str, int] = field(default_factory=dict[str, int])
    by_state: dict[str, int] = field(default_factory=dict[str, int])


class Fleet:
    """Raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, redis: Redis, *, patience: timedelta) -> None:
        self._redis = redis
        self._patience = patience

    async def queues(self) -> list[Queue]:
        paused, purged = await self._paused(), await read_purges(self._redis, patience=self._patience)
        return [
            await self._queue(name, paused.get(of_queue(name)), purged.get(of_queue(name))) for name in queue_names()
        ]

    async def paused_kinds(self) -> dict[str, Pause]:
        """By name."""
        paused = await self._paused()
        return {kind.name: paused[of_kind(kind.name)] for kind in kinds.usable() if of_kind(kind.name) in paused}

    async def strikes(self) -> list[Strike]:
        return await read_strikes(self._redis, patience=self._patience)

    async def workers(self) -> list[WorkerReport]:
        """Those that reported within the last minute, by id."""
        async with answered(self._patience):
            seconds, _ = await self._redis.time()
            since = (seconds - int(WORKER_KEEP.total_seconds())) * 1000
            seen = cast(
                "list[tuple[str, float]]",
                await self._redis.zrangebyscore(keys.WORKERS, since, "+inf", withscores=True),
            )
            async with self._redis.pipeline(transaction=False) as pipe:
                for worker_id, _ in seen:
                    pipe.get(keys.WORKER + worker_id)
                reports = cast("list[str | None]", await pipe.execute())
        return sorted(
            (
                WorkerReport(id=worker_id, seen_at=to_datetime(at), **json.loads(report))
                for (worker_id, at), report in zip(seen, reports, strict=True)
                if report
            ),
            key=lambda worker: worker.id,
        )

    async def waiting(self) -> int:
        """How many jobs a worker could have now, or after the next sweep: one that is due, a lease that ended."""
        async with answered(self._patience):
            paused = await self._paused()
            seconds, _ = await self._redis.time()
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in queue_names():
                    if of_queue(name) not in paused:
                        pipe.zcard(keys.queue(name, keys.WAITING))
                for due in (keys.SCHEDULED, keys.LEASES, keys.SCHEDULES_DUE):
                    pipe.zcount(due, "-inf", seconds * 1000)
                return sum(await pipe.execute())

    async def due(self) -> int:
        """How many jobs the next sweep will queue or make because their time has come."""
        async with answered(self._patience):
            seconds, _ = await self._redis.time()
            async with self._redis.pipeline(transaction=False) as pipe:
                for timed in (keys.SCHEDULED, keys.SCHEDULES_DUE):
                    pipe.zcount(timed, "-inf", seconds * 1000)
                return sum(await pipe.execute())

    async def schedules(self) -> Schedules:
        async with answered(self._patience):
            seconds, micros = await self._redis.time()
            now = seconds * 1000 + micros / 1000
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.zcard(keys.SCHEDULES)
                pipe.zcard(keys.SCHEDULES_DUE)
                pipe.zcount(keys.SCHEDULES_DUE, "-inf", now)
                pipe.zrange(keys.SCHEDULES_DUE, 0, 0, withscores=True)
                total, timed, late, first = await pipe.execute()
        longest = max(0.0, now - first[0][1]) / 1000 if first else 0.0
        return Schedules(total=total, paused=total - timed, late=late, longest_late_seconds=longest)

    async def counters(self) -> Counters:
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.STATS)
            for state in State:
                pipe.zcard(keys.INDEX_STATE + state)
            stats, *sizes = await pipe.execute()
        return Counters(
            totals={name: int(value) for name, value in stats.items()},
            by_state={state.value: size for state, size in zip(State, sizes, strict=True)},
        )

    async def forget(self, worker_id: str) -> None:
        """A worker that stops says so, and is no longer listed."""
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            for name in queue_names():
                pipe.smembers(keys.queue(name, keys.SHARES))
            shares = await pipe.execute()
            pipe.zrem(keys.WORKERS, worker_id)
            pipe.delete(keys.WORKER + worker_id)
            for name, numbers in zip(queue_names(), shares, strict=True):
                slots = keys.queue(name, keys.SLOTS)
                for key in (slots, *(f"{slots}:{share}" for share in numbers)):
                    pipe.zrem(key, worker_id)
            await pipe.execute()

    async def _paused(self) -> dict[str, Pause]:
        return await read_pauses(self._redis, patience=self._patience)

    async def _queue(self, name: str, pause: Pause | None, purge: Purge | None) -> Queue:
        waiting = keys.queue(name, keys.WAITING)
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.zcard(waiting)
            pipe.zrange(waiting, 0, 0, withscores=True)
            pipe.zcard(keys.queue(name, keys.HELD))
            (seconds, micros), ready, first, held = await pipe.execute()
        return Queue(
            name=name,
            queued=ready + held,
            held=ready + held if pause else held,
            oldest_seconds=max(0.0, seconds + micros / 1e6 - first[0][1] / 1000) if first and not pause else None,
            paused=pause,
            purge=purge,
        )
