"""What Redis holds, read past the store."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from jobs import keys
from jobs.record import DEFAULTS

_CORRELATION_ID = re.compile(r'"correlation_id": "([^"]+)"')


@dataclass(frozen=True)
class Inspected:
    """All that is held of one job."""

    record: dict[str, str]
    steps: dict[str, str]
    events: list[str]
    seconds_left: list[int]
    """The TTLs of record, events and, if there are any, steps; -1 for a key without one."""


@dataclass(frozen=True)
class Snapshot:
    """What Redis held at one moment."""

    jobs: dict[str, Inspected]
    zsets: dict[str, list[str]]
    messages: dict[str, list[str]]
    """The jobs whose messages lie on a lane, the next to be popped first."""
    counters: dict[str, int]


class Inspector:
    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def record(self, job_id: str) -> dict[str, str]:
        """With what a field means that is not there."""
        found = await self._redis.hgetall(keys.job(job_id))
        return DEFAULTS | found if found else {}

    async def steps(self, job_id: str) -> dict[str, str]:
        return await self._redis.hgetall(keys.steps(job_id))

    async def events(self, job_id: str) -> list[str]:
        """The names of a job's events; that they are numbered without a gap is asserted on the way."""
        [record, entries] = await self.record(job_id), await self._redis.xrange(keys.events(job_id))
        return _names_of(record, entries)

    async def last_event(self, job_id: str) -> dict[str, Any]:
        """The data of a job's newest event."""
        [(_, fields)] = await self._redis.xrevrange(keys.events(job_id), count=1)
        return json.loads(fields["data"])

    async def messages(self, lane: str) -> list[str]:
        """The jobs whose messages lie on a lane, the next to be popped first."""
        return _jobs_of(await self._redis.lrange(lane, 0, -1))

    async def message_texts(self, lane: str) -> list[str]:
        """The messages on a lane, the next to be popped first."""
        return (await self._redis.lrange(lane, 0, -1))[::-1]

    async def pop(self, lane: str) -> str | None:
        """Takes the next message off a lane, as a worker does, and returns its job's id."""
        text = await self._redis.rpop(lane)
        return _CORRELATION_ID.findall(text)[0] if text else None

    async def push(self, lane: str, text: str, *, times: int) -> None:
        """Puts repeats of a message before all others on a lane, as kombu does with what was not acknowledged."""
        await self._redis.rpush(lane, *[text] * times)

    async def signals(self, job_id: str) -> list[str]:
        """The jobs of which the process that runs this one is told that they are no longer its own."""
        claim = await self._redis.hget(keys.job(job_id), "claim") or ""
        return await self._redis.lrange(keys.signal(claim.partition(":")[0]), 0, -1)

    async def members(self, zset: str) -> list[str]:
        return await self._redis.zrange(zset, 0, -1)

    async def running(self, queue: str) -> set[str]:
        return await self._redis.smembers(keys.queue(queue, keys.RUNNING))

    async def score(self, zset: str, member: str) -> float | None:
        return await self._redis.zscore(zset, member)

    async def counter(self, name: str) -> int:
        return int(await self._redis.hget(keys.STATS, name) or 0)

    async def counters(self) -> dict[str, int]:
        return {name: int(value) for name, value in (await self._redis.hgetall(keys.STATS)).items()}

    async def seconds_left(self, key: str) -> int:
        """A key's TTL; -1 for a key without one, -2 for no such key."""
        return await self._redis.ttl(key)

    async def names(self, pattern: str = "*") -> list[str]:
        return sorted(await self._redis.keys(pattern))

    async def indexed(self, job_id: str) -> set[str]:
        """The listing indexes that a job is in."""
        return {name for name in await self.names("hr:index:*") if await self.score(name, job_id) is not None}

    async def snapshot(self, *, jobs: Sequence[str], zsets: Sequence[str], lanes: Sequence[str]) -> Snapshot:
        """Of all these at once: a model that is compared after every step would else ask a hundred times a step."""
        async with self._redis.pipeline() as pipe:
            for job_id in jobs:
                names = [keys.job(job_id), keys.steps(job_id), keys.events(job_id)]
                pipe.hgetall(names[0]).hgetall(names[1]).xrange(names[2])
                for name in names:
                    pipe.ttl(name)
            for zset in zsets:
                pipe.zrange(zset, 0, -1)
            for lane in lanes:
                pipe.lrange(lane, 0, -1)
            pipe.hgetall(keys.STATS)
            answers = iter(await pipe.execute())
        return Snapshot(
            jobs={job_id: _inspected(*(next(answers) for _ in range(6))) for job_id in jobs},
            zsets={zset: next(answers) for zset in zsets},
            messages={lane: _jobs_of(next(answers)) for lane in lanes},
            counters={name: int(value) for name, value in next(answers).items()},
        )

    async def now(self) -> int:
        """The server's clock, ms."""
        seconds, micros = await self._redis.time()
        return seconds * 1000 + micros // 1000


def _inspected(record: dict[str, str], steps: dict[str, str], events: list[Any], *ttls: int) -> Inspected:
    record = DEFAULTS | record
    kept = [ttls[0], *([ttls[2]] if events else []), *([ttls[1]] if steps else [])]
    return Inspected(record=record, steps=steps, events=_names_of(record, events), seconds_left=kept)


def _names_of(record: dict[str, str], entries: list[Any]) -> list[str]:
    if not entries and record.get("state") == "queued":
        return ["queued"]  # written with the second
    assert [entry_id for entry_id, _ in entries] == [f"{number}-0" for number in range(1, len(entries) + 1)]
    return [fields["event"] for _, fields in entries]


def _jobs_of(texts: list[str]) -> list[str]:
    return [_CORRELATION_ID.findall(text)[0] for text in reversed(texts)]
