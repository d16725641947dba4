"""The fleet as a whole: its queues, its workers and its counters, read from Redis by whoever asks."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.messages import Renderer
from jobs.model import Frozen
from jobs.queues import queue_names
from jobs.records import to_datetime
from jobs.scripts import WORKER_KEEP
from jobs.states import State


class Queue(Frozen):
    name: str
    queued: int
    oldest_seconds: float | None
    """How long the job that waits longest has waited; null for an empty queue."""


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


@dataclass(frozen=True)
class Counters:
    """The numbers behind `/metrics`; the names are those of the scripts."""

    totals: dict[str, int] = field(default_factory=dict[str, int])
    by_state: dict[str, int] = field(default_factory=dict[str, int])


class Fleet:
    """Raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, redis: Redis, renderer: Renderer, *, patience: timedelta) -> None:
        self._redis = redis
        self._renderer = renderer
        self._patience = patience

    async def queues(self) -> list[Queue]:
        return [await self._queue(name) for name in queue_names()]

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
        """How many jobs a worker could have now, or after the next sweep: a retry that is due, a lease that ended."""
        async with answered(self._patience):
            seconds, _ = await self._redis.time()
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in queue_names():
                    for lane in self._renderer.lanes(name):
                        pipe.zcard(keys.QUEUED + lane)
                for due in (keys.SCHEDULED, keys.LEASES):
                    pipe.zcount(due, "-inf", seconds * 1000)
                return sum(await pipe.execute())

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

    async def report(self, worker: WorkerReport, *, dropped: int = 0) -> int:
        """Notes that `worker` is there, for a minute, and has dropped so many messages since its last report.

        Returns how many messages wait in its queues.
        """
        report = worker.model_dump_json(exclude={"id", "seen_at"})
        async with answered(self._patience):
            seconds, micros = await self._redis.time()
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.zadd(keys.WORKERS, {worker.id: seconds * 1000 + micros // 1000})
                pipe.set(keys.WORKER + worker.id, report, ex=WORKER_KEEP)
                if dropped:
                    pipe.hincrby(keys.STATS, "messages_dropped", dropped)
                waiting = len(pipe.command_stack)
                for queue in worker.queues:
                    for lane in self._renderer.lanes(queue):
                        pipe.llen(lane)
                replies = await pipe.execute()
        return sum(replies[waiting:])

    async def forget(self, worker_id: str) -> None:
        """A worker that stops says so, and is no longer listed."""
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            pipe.zrem(keys.WORKERS, worker_id)
            pipe.delete(keys.WORKER + worker_id)
            await pipe.execute()

    async def _queue(self, name: str) -> Queue:
        lanes = self._renderer.lanes(name)
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            for lane in lanes:
                pipe.zcard(keys.QUEUED + lane)
                # A job put at the head has the place, and so the time, of the one that it was put before.
                pipe.zrange(keys.QUEUED + lane, 0, 0, withscores=True)
            (seconds, micros), *found = await pipe.execute()
        since = [first[0][1] for first in cast("list[list[tuple[str, float]]]", found[1::2]) if first]
        return Queue(
            name=name,
            queued=sum(found[::2]),
            oldest_seconds=max(0.0, seconds + micros / 1e6 - min(since) / 1000) if since else None,
        )
