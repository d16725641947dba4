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
from jobs.records import to_job
from jobs.states import State

_READ_AT_ONCE = 100
"""Records read together, at the least, when they are looked through for what the index does not tell."""
_SCAN_LIMIT = 1000
"""Most records read for one page; a page cut short by it still has a cursor to go on from."""


@dataclass(frozen=True)
class Filter:
    state: State | None = None
    kind: str | None = None
    user_id: str | None = None

    def index(self) -> str:
        """The narrowest index there is; the other conditions are looked up in the records."""
        if self.user_id:
            return keys.INDEX_USER + self.user_id
        if self.state:
            return keys.INDEX_STATE + self.state
        if self.kind:
            return keys.INDEX_KIND + self.kind
        return keys.INDEX_ALL

    def is_index(self) -> bool:
        """Whether the index has what is wanted and nothing else."""
        return [self.state, self.kind, self.user_id].count(None) >= 2  # noqa: PLR2004  # all but one, or all

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

    def __init__(self, redis: Redis, *, patience: timedelta) -> None:
        self._redis = redis
        self._reader = JobReader(redis, patience=patience)
        self._patience = patience

    async def page(self, wanted: Filter, *, limit: int = 50, cursor: str | None = None) -> Page:
        """At most `limit` jobs after `cursor`. Raises InvalidCursor."""
        place = _Place.decode(cursor) if cursor else None
        jobs: list[Job] = []
        at_once = limit if wanted.is_index() else max(limit, _READ_AT_ONCE)
        scanned = 0
        while len(jobs) < limit and scanned < _SCAN_LIMIT:
            places = await self._places(wanted.index(), place, count=at_once)
            if not places:
                return Page(jobs, cursor=None)
            scanned += len(places)
            for found, record in zip(places, await self._reader.records([one.job_id for one in places]), strict=True):
                place = found
                # A record that has expired stays in the index until the next sweep.
                if record and wanted.passes(record):
                    jobs.append(to_job(record))
                    if len(jobs) == limit:
                        break
        return Page(jobs, cursor=place.encode() if place else None)

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
