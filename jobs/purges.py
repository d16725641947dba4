"""Purges: the waiting jobs of a queue or a kind, cancelled some at a time, so that Redis is never held for long."""

import json
import time
from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta
from typing import cast

from pydantic import Field
from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.model import Frozen
from jobs.records import to_datetime
from jobs.scripts import Scripts


class Purge(Frozen):
    """The jobs that were queued at `at` are cancelled, but for those that a worker takes first."""

    by: str
    at: datetime
    why: str
    cancelled: int = Field(description="Jobs so far")
    over: bool = Field(description="Whether all are; if not, the workers' sweep goes on with it")


class Purges:
    """Every method raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, redis: Redis, scripts: Scripts, *, patience: timedelta) -> None:
        self._redis = redis
        self._scripts = scripts
        self._patience = patience

    async def purge(self, target: str, *, by: str, why: str, within: timedelta) -> Purge:
        """Cancels the jobs of `target` that are queued now, for as long as `within`; the sweep then goes on with it.

        `target` is `pauses.of_queue` or `of_kind`. Batches that are still being made go on.
        """
        async with answered(self._patience):
            seconds, micros = await self._redis.time()
        at = seconds * 1000 + micros // 1000
        until = time.monotonic() + within.total_seconds()
        more, cancelled = 1, 0
        while more:
            more, cancelled = await self._scripts.purge(target=target, queued_by=at, by=by, why=why)
            if time.monotonic() > until:
                break
        return Purge(by=by, at=to_datetime(at), why=why, cancelled=cancelled, over=not more)


async def read_purges(redis: Redis, *, patience: timedelta) -> dict[str, Purge]:
    """Those that are not over, by target. Raises StoreUnavailable."""
    async with answered(patience):
        found = await cast("Awaitable[Mapping[str, str]]", redis.hgetall(keys.PURGES))
    purges: dict[str, Purge] = {}
    for target, text in found.items():
        known = json.loads(text)
        purges[target] = Purge(
            by=known["by"], at=to_datetime(known["at"]), why=known["why"], cancelled=known["cancelled"], over=False
        )
    return purges
