"""Queues and kinds that are paused: nothing of them is started, whoever restarts, until they are resumed."""

import json
from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta
from typing import cast

from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.model import Frozen
from jobs.records import to_datetime
from jobs.scripts import Scripts


class Pause(Frozen):
    """Who paused a queue or a kind, when and why."""

    by: str
    at: datetime
    why: str

    @classmethod
    def parse(cls, text: str) -> "Pause":
        """As the scripts keep it."""
        found = json.loads(text)
        return cls(by=found["by"], at=to_datetime(found["at"]), why=found["why"])


def of_queue(name: str) -> str:
    """A target of pauses and purges."""
    return f"queue:{name}"


def of_kind(name: str) -> str:
    """A target of pauses and purges."""
    return f"kind:{name}"


class Pauses:
    """Every method raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, redis: Redis, scripts: Scripts, *, patience: timedelta) -> None:
        self._redis = redis
        self._scripts = scripts
        self._patience = patience

    async def pause(self, target: str, *, by: str, why: str) -> Pause:
        """Has no job of the target started from now on; what runs goes on. Again: another name and reason for it."""
        more, pause = 1, ""
        while more:
            more, pause = await self._scripts.pause(target=target, by=by, why=why)
        return Pause.parse(pause)

    async def resume(self, target: str) -> bool:
        """Returns whether it was paused."""
        [was_paused] = await self._scripts.resume(target=target)
        return bool(was_paused)


async def read_pauses(redis: Redis, *, patience: timedelta) -> dict[str, Pause]:
    """By target. Raises StoreUnavailable."""
    async with answered(patience):
        found = await cast("Awaitable[Mapping[str, str]]", redis.hgetall(keys.PAUSES))
    return {target: Pause.parse(text) for target, text in found.items()}
