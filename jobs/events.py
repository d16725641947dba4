"""The events of a job or batch: one bounded Redis Stream each, read from any position, for as long as it is kept."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any, cast

from pydantic import Field
from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.errors import EventsGone, HeadraceError, JobNotFound
from jobs.model import Frozen
from jobs.records import to_datetime
from jobs.states import FINAL, State

_PAGE = 500
"""Most events read at once."""


class Event(Frozen):
    """Something that happened. `event` is the state entered; or `progress` or `step` of a job, `job` of a batch."""

    sequence: int = Field(description="1, 2, 3, ... within the job or batch; the `id` in an event stream")
    event: str
    at: datetime
    data: dict[str, Any]

    @property
    def final(self) -> bool:
        return self.event in FINAL


class EventLog:
    """Reads the events of jobs, or of batches. `redis` must allow replies as late as `keep_alive`: a read may wait.

    Every method raises `missing` (JobNotFound, BatchNotFound) when there is no such job or batch.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        patience: timedelta,
        keep_alive: timedelta,
        prefix: str = keys.JOB,
        missing: Callable[[str], HeadraceError] = JobNotFound,
    ) -> None:
        self._redis = redis
        self._patience = patience
        self._keep_alive = keep_alive
        self._prefix = prefix
        self._missing = missing

    async def state(self, whose: str) -> State:
        """The state of the job or batch. Raises StoreUnavailable."""
        async with answered(self._patience):
            state = await cast("Any", self._redis.hget(self._prefix + whose, "state"))
        if state is None:
            raise self._missing(whose)
        return State(state)

    async def history(self, whose: str, *, after: int = 0, limit: int = _PAGE) -> list[Event]:
        """The events after number `after`, oldest first. Raises EventsGone, StoreUnavailable."""
        _, unwritten = await self._check(whose, after)
        async with answered(self._patience):
            entries = await self._redis.xrange(self._stream(whose), min=f"({after}-0", count=limit)
        events = [_event(*entry) for entry in cast("list[Any]", entries)]
        return events or ([unwritten] if unwritten and not after else [])

    async def follow(self, whose: str, *, after: int = 0) -> AsyncIterator[Event | None]:
        """The events after number `after`, then each as it happens; None whenever `keep_alive` passed in silence.

        Ends after the final event, or at once when that is not after `after`.
        Raises EventsGone, StoreUnavailable.
        """
        state, unwritten = await self._check(whose, after)
        ended = state in FINAL
        stream = self._stream(whose)
        if unwritten and not after:
            yield unwritten
            after = unwritten.sequence
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
                ended = await self._ended(whose)
                if not ended:
                    yield None

    async def _check(self, whose: str, after: int) -> tuple[str, Event | None]:
        """The state, if the events after number `after` are still kept; 0 is for those that are.

        And the first event of a job that has no other: it stands in the record only, until there is a second.
        """
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            pipe.hmget(self._prefix + whose, ["state", "created_at"])
            pipe.xrange(self._stream(whose), count=1)
            (state, created_at), first = await pipe.execute()
        if state is None:
            raise self._missing(whose)
        if not first:
            queued = Event(sequence=1, event=state, at=to_datetime(created_at), data={"state": state})
            return state, queued if state == State.QUEUED else None
        first_kept = _event(*first[0]).sequence
        if after and after + 1 < first_kept:
            raise EventsGone(whose, first_kept)
        return state, None

    async def _ended(self, whose: str) -> bool:
        async with answered(self._patience):
            state = await cast("Any", self._redis.hget(self._prefix + whose, "state"))
        return state is None or State(state) in FINAL

    def _stream(self, whose: str) -> str:
        return self._prefix + whose + keys.EVENTS


def _event(entry_id: str, fields: dict[str, str]) -> Event:
    return Event(
        sequence=int(entry_id.partition("-")[0]),
        event=fields["event"],
        at=to_datetime(fields["at"]),
        data=json.loads(fields["data"]),
    )
