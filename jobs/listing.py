"""Lists of jobs, newest first, by state, kind or user, a page at a time."""

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.model import Job
from jobs.reader import JobReader
from jobs.record import JobRecord
from jobs.scripts import Scripts
from jobs.states import State
from jobs.waiting import Outlook

_SCAN_LIMIT = 1000
"""Most jobs of an index looked up in the others for one page; a page cut short by it has a cursor to go on from."""


@dataclass(frozen=True)
class Filter:
    state: State | None = None
    kind: str | None = None
    user_id: str | None = None

    def indexes(self) -> list[str]:
        """Those whose intersection has what is wanted."""
        found = {
            keys.INDEX_USER: self.user_id,
            keys.INDEX_STATE: self.state,
            keys.INDEX_KIND: self.kind,
        }
        return [prefix + value for prefix, value in found.items() if value] or [keys.INDEX_ALL]

    def passes(self, record: JobRecord) -> bool:
        wanted = [(self.state, record["state"]), (self.kind, record["kind"]), (self.user_id, record["user_id"])]
        return all(value is None or found == value for value, found in wanted)


@dataclass(frozen=True)
class Page:
    jobs: list[Job]
    cursor: str | None
    """Where the next page starts, or None after the last one."""


class InvalidCursor(ValueError):
    """Not a cursor that a page ended with."""

    def __init__(self) -> None:
        super().__init__("cursor: not one that a page of this list ended with")


@dataclass(frozen=True)
class _Place:
    """A place in an index: after the job `job_id`, created at `score` ms."""

    score: int
    job_id: str

    def encode(self) -> str:
        return base64.urlsafe_b64encode(f"{self.score} {self.job_id}".encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, cursor: str) -> "_Place":
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
            score, job_id = text.split(" ")
            return cls(int(score), job_id)
        except (binascii.Error, ValueError) as error:
            raise InvalidCursor from error


class JobList:
    """Reads pages of jobs. Raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, redis: Redis, scripts: Scripts, *, patience: timedelta) -> None:
        self._redis = redis
        self._scripts = scripts
        self._reader = JobReader(redis, patience=patience)
        self._patience = patience

    async def page(self, wanted: Filter, *, limit: int = 50, cursor: str | None = None) -> Page:
        """At most `limit` jobs after `cursor`. Raises InvalidCursor."""
        place = _Place.decode(cursor) if cursor else None
        index, *others = await self._smallest_first(wanted.indexes())
        listed: list[JobRecord] = []
        scanned = 0
        while len(listed) < limit and scanned < _SCAN_LIMIT:
            places = await self._places(index, place, count=_SCAN_LIMIT if others else limit)
            if not places:
                return Page(await self._jobs(listed), cursor=None)
            scanned += len(places)
            fitting = await self._in_all(others, places)
            records = await self._reader.records([one.job_id for one in fitting[:limit]])
            for found, record in zip(fitting, records, strict=False):
                place = found
                # It may have changed since it was found, and a record that has expired stays in the index for a while.
                if record and wanted.passes(record):
                    listed.append(record)
                    if len(listed) == limit:
                        break
            else:
                place = fitting[limit - 1] if len(fitting) > limit else places[-1]
        return Page(await self._jobs(listed), cursor=place.encode() if place else None)

    async def _jobs(self, records: list[JobRecord]) -> list[Job]:
        """With what those wait for that are queued."""
        queued = [record["id"] for record in records if record["state"] == State.QUEUED]
        found = await self._scripts.outlooks(job_ids=queued) if queued else []
        by_id = dict(zip(queued, found, strict=True))
        return [Outlook.parse(by_id.get(record["id"], ()), record).job(record) for record in records]

    async def _smallest_first(self, indexes: list[str]) -> list[str]:
        if len(indexes) == 1:
            return indexes
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            for index in indexes:
                pipe.zcard(index)
            sizes: list[int] = await pipe.execute()
        return [index for _, index in sorted(zip(sizes, indexes, strict=True))]

    async def _in_all(self, indexes: list[str], places: list[_Place]) -> list[_Place]:
        """Those of the places that are in these indexes too."""
        if not indexes:
            return places
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            for index in indexes:
                pipe.zmscore(index, [place.job_id for place in places])
            scores: list[list[float | None]] = await pipe.execute()
        return [place for place, found in zip(places, zip(*scores, strict=True), strict=True) if None not in found]

    async def _places(self, index: str, after: _Place | None, *, count: int) -> list[_Place]:
        """Jobs of one millisecond share a score and stand in reverse order of their ids."""
        top = str(after.score) if after else "+inf"
        start = 0
        while True:
            async with answered(self._patience):
                found = cast(
                    "list[tuple[str, float]]",
                    await self._redis.zrevrangebyscore(index, top, "-inf", start=start, num=count + 1, withscores=True),
                )
            places = [_Place(int(score), job_id) for job_id, score in found]
            fresh = [
                place for place in places if after is None or (place.score, place.job_id) < (after.score, after.job_id)
            ]
            if fresh or len(places) <= count:
                return fresh[:count]
            start += len(places)
