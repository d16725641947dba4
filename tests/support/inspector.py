"""What Redis holds, read past the store."""

import json
import re
from typing import Any

from redis.asyncio import Redis

from jobs import keys
from jobs.record import DEFAULTS

_CORRELATION_ID = re.compile(r'"correlation_id": "([^"]+)"')


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
        entries = await self._redis.xrange(keys.events(job_id))
        if not entries and await self._redis.hget(keys.job(job_id), "state") == "queued":
            return ["queued"]
        assert [entry_id for entry_id, _ in entries] == [f"{number}-0" for number in range(1, len(entries) + 1)]
        return [fields["event"] for _, fields in entries]

    async def last_event(self, job_id: str) -> dict[str, Any]:
        """The data of a job's newest event."""
        [(_, fields)] = await self._redis.xrevrange(keys.events(job_id), count=1)
        return json.loads(fields["data"])

    async def messages(self, lane: str) -> list[str]:
        """The jobs whose messages lie on a lane, the next to be popped first."""
        texts = await self._redis.lrange(lane, 0, -1)
        return [_CORRELATION_ID.findall(text)[0] for text in reversed(texts)]

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
        """What the job's worker is told."""
        return await self._redis.lrange(keys.signal(job_id), 0, -1)

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

    async def now(self) -> int:
        """The server's clock, ms."""
        seconds, micros = await self._redis.time()
        return seconds * 1000 + micros // 1000
