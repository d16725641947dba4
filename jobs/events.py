"""The events of a job or batch: one bounded Redis Stream each, read from any position, for as long as it is kept."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field
from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.errors import EventsGone, HeadraceError, JobNotFound
from jobs.event_hub import EventHub
from jobs.model import Frozen
from jobs.records import to_datetime
from jobs.states import FINAL, State

_PAGE = 500
"""Most events read at once."""


class Event(Frozen):
    """Something that happened. `event` is the state entered; or `progress` or `step` of a job, `job` of a batch."""

    sequence: int = Field(description="1, 2, 3, ... within the job or batch; the `id` in an event stream")
    event: str = Field(json_schema_extra={"enum": [*State, "progress", "step", "job"]})
    at: datetime
    data: dict[str, Any]

    @property
    def final(self) -> bool:
        return self.event in FINAL


class EventLog:
    """Reads the events of jobs, or of batches.

    Every method raises `missing` (JobNotFound, BatchNotFound) when there is no such job or batch, EventsGone when there
    is no going on after the number asked for, and StoreUnavailable.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        patience: timedelta,
        prefix: str = keys.JOB,
        missing: Callable[[str], HeadraceError] = JobNotFound,
    ) -> None:
        self._redis = redis
        self._patience = patience
        self._prefix = prefix
        self._missing = missing

    async def history(self, whose: str, *, after: int = 0, limit: int = _PAGE) -> list[Event]:
        """The events after number `after`, oldest first."""
        return (await self._known(whose, after, limit)).events

    async def follow(self, whose: str, hub: EventHub, *, after: int = 0) -> AsyncIterator[Event | None]:
        """The events after number `after`, then each as it happens; None when there is none yet, and in each silence.

        Ends after the final event, at once when that is not after `after`, and when the hub is closed.
        Raises TooManyStreams.
        """
        with hub.watch(self._stream(whose)) as bell:
            # The bell hangs by now: whatever happens after this read rings it.
            found = await self._known(whose, after, _PAGE)
            silent = True
            while found:  # until it is forgotten
                for event in found.events:
                    yield event
                    if event.final:
                        return
                    after = event.sequence
                if found.state in FINAL and not found.events:
                    return
                if len(found.events) < _PAGE:
                    if silent and not found.events:
                        yield None
                    silent = not await bell.heard(within=hub.keep_alive)
                if hub.closed:
                    return
                found = await self._read(whose, after, _PAGE)

    async def _known(self, whose: str, after: int, limit: int) -> "_Found":
        found = await self._read(whose, after, limit)
        if found is None:
            raise self._missing(whose)
        return found

    async def _read(self, whose: str, after: int, limit: int) -> "_Found | None":
        """What stands after number `after`; None when there is no such job or batch.

        The state is asked for first: what brought the end is among the events by then.
        """
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            pipe.hmget(self._prefix + whose, "state", "events")
            pipe.xrange(self._stream(whose), min=f"({after}-0", count=limit)
            (state, last), entries = await pipe.execute()
        if state is None:
            return None
        if after > int(last):
            raise EventsGone.after(whose, int(last), after)
        events = [_event(*entry) for entry in entries]
        first = events[0].sequence if events else int(last) + 1
        if after and first > after + 1:
            raise EventsGone.before(whose, first)
        return _Found(state, events)

    def _stream(self, whose: str) -> str:
        return self._prefix + whose + keys.EVENTS


@dataclass(frozen=True)
class _Found:
    state: str
    events: list[Event]


def _event(entry_id: str, fields: dict[str, str]) -> Event:
    return Event(
        sequence=int(entry_id.partition("-")[0]),
        event=fields["event"],
        at=to_datetime(fields["at"]),
        data=json.loads(fields["data"]),
    )
