"""Messages that a child takes itself, beside the one that Celery gave it: to run many jobs at once.

See docs/decisions/0025.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Self, cast

from redis.asyncio import Redis

from jobs.celery_app import renderer_of
from jobs.connection import answered, connect
from jobs.messages import Renderer
from jobs.settings import Settings
from tasks.engine import message_filter
from tasks.engine.turn import Turn

WAIT = timedelta(seconds=1)
"""How long it waits for a message."""
PATIENCE = timedelta(seconds=3)


class Inlet:
    """The lanes of a worker's queues: the most urgent message first, of equally urgent ones the queues in turn."""

    def __init__(self, redis: Redis, renderer: Renderer, queues: Callable[[], Sequence[str]]) -> None:
        """`queues` are those that the worker consumes by now."""
        self._redis = redis
        self._renderer = renderer
        self._turn = Turn(queues)

    @classmethod
    def open(cls, settings: Settings, queues: Callable[[], Sequence[str]]) -> Self:
        """On a connection of its own, which `aclose` closes."""
        redis = connect(settings, name="headrace-inlet", reply_within=WAIT + PATIENCE, connections=1)
        return cls(redis, renderer_of(settings), queues)

    async def take(self) -> str | None:
        """The job that the next message names; None if none came in time, or one that is none of ours.

        Raises StoreUnavailable. A message that is taken and not followed is noticed by the sweep, as one is that Celery
        has lost.
        """
        lanes_of = {queue: self._renderer.lanes(queue) for queue in self._turn.order()}
        names = [lane for lanes in zip(*lanes_of.values(), strict=True) for lane in lanes]
        if not names:
            await asyncio.sleep(WAIT.total_seconds())
            return None
        try:
            async with answered():
                found = await cast("Any", self._redis.brpop(names, timeout=WAIT.total_seconds()))
            if found is None:
                return None
            lane, message = found[0], json.loads(found[1])
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            message_filter.dropped.note("no JSON")
            return None
        self._turn.serve(next(queue for queue, lanes in lanes_of.items() if lane in lanes))
        if why := message_filter.fault_of(message):
            message_filter.dropped.note(why)
            return None
        return str(message["headers"]["id"])

    async def aclose(self) -> None:
        await self._redis.aclose()
