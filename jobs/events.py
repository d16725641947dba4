"""The events of a job: one bounded Redis Stream each, read from any position, for as long as the job is kept."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, cast

from pydantic import Field
from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.errors import EventsGone, JobNotFound
from jobs.model import Frozen
from jobs.records import to_datetime
from jobs.states import FINAL, State

_PAGE = 500
"""Most events read at once."""


class Event(Frozen):
    """Something that happened to a job. `event` is the state it entered, or `progress` or `step`."""

    sequence: int = Field(description="1, 2, 3, ... within the job; the `id` in an event stream")
    event: str
    at: datetime
    data: dict[str, Any]

    @property
    def final(self) -> bool:
        return self.event in FINAL


class EventLog:
    """Reads events. `redis` must allow replies as late as `keep_alive`, which is how long a read may wait."""

    def __init__(self, redis: Redis, *, patience: timedelta, keep_alive: timedelta) -> None:
        self._redis = redis
        self._patience = patience
        self._keep_alive = keep_alive

    async def history(self, job_id: str, *, after: int = 0, limit: int = _PAGE) -> list[Event]:
        """The events after number `after`, oldest first. Raises JobNotFound, EventsGone, StoreUnavailable."""
        await self._check(job_id, after)
        async with answered(self._patience):
            entries = await self._redis.xrange(keys.events(job_id), min=f"({after}-0", count=limit)
        return [_event(*entry) for entry in cast("list[Any]", entries)]

    async def follow(self, job_id: str, *, after: int = 0) -> AsyncIterator[Event | None]:
        """The events after number `after`, then each as it happens; None whenever `keep_alive` passed in silence.

        Ends after the final event, or at once when that is not after `after`.
        Raises JobNotFound, EventsGone, StoreUnavailable.
        """
        ended = await self._check(job_id, after) in FINAL
        stream = keys.events(job_id)
        while True:
            # After the end there is nothing to wait for, only what is left to read.
            block = None if ended else round(self._keep_alive.total_seconds() * 1000)
            async with answered(self._patience + self._keep_alive):
                found: Any = await self._redis.xread({stream: f"{after}-0"}, count=_PAGE, block=block)
            events = [_event(*entry) for _, entries in found for entry in entries]
            for event in events:
                yield event
                if event.final:
                    return
                after = event.sequence
            if not events:
                if ended:
                    return
                # It may have ended since that read; its last events are then read first.
                ended = await self._ended(job_id)
                if not ended:
                    yield None

    async def _check(self, job_id: str, after: int) -> str:
        """The job's state, if the events after number `after` are still kept; 0 is for those that are."""
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            pipe.hget(keys.job(job_id), "state")
            pipe.xrange(keys.events(job_id), count=1)
            state, first = await pipe.execute()
        if state is None:
            raise JobNotFound(job_id)
        first_kept = _event(*first[0]).sequence if first else 1
        if after and after + 1 < first_kept:
            raise EventsGone(job_id, first_kept)
        return state

    async def _ended(self, job_id: str) -> bool:
        async with answered(self._patience):
            state = await cast("Any", self._redis.hget(keys.job(job_id), "state"))
        return state is None or State(state) in FINAL


def _event(entry_id: str, fields: dict[str, str]) -> Event:
    return Event(
        sequence=int(entry_id.partition("-")[0]),
        event=fields["event"],
        at=to_datetime(fields["at"]),
        data=json.loads(fields["data"]),
    )
