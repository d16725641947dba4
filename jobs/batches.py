"""Batches: many jobs asked for at once, counted together, cancelled together, fetched together.

A batch is accepted whole or not at all: its jobs are staged first, and one script accepts them. From then on
they are made a hundred at a time, so that Redis is never held for long; by the API at once, and by the workers' sweep
should the API die before it is done.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from pydantic import Field, TypeAdapter

from jobs import keys
from jobs.connection import answered
from jobs.errors import BatchNotFound, IdempotencyConflict, JobNotFound, StoreUnavailable
from jobs.ids import new_id
from jobs.model import FileRef, Frozen, JobError
from jobs.new_job import Created, Idempotency, NewJob
from jobs.reader import JobReader
from jobs.record import JobRecord
from jobs.records import to_datetime
from jobs.settings import Settings
from jobs.states import FINAL, State
from jobs.store import JobStore

MAX_JOBS = 10_000
"""In one batch. Its events fit into a stream of the default length."""
PENDING = "pending"
"""What a job is called that was accepted and not made yet."""

_STAGED_FOR = timedelta(minutes=10)
"""What was staged for a batch that was never accepted is gone after this."""
_CHUNK = 500
_MADE_AT_ONCE = 100
"""Jobs that one script call makes: about 10 ms of Redis."""
_FILES = TypeAdapter(list[FileRef])


@dataclass(frozen=True)
class Item:
    """One job of a batch. `custom_id` is the client's own name for it, without spaces."""

    custom_id: str
    new: NewJob


class Batch(Frozen):
    """A batch as clients see it."""

    id: str
    state: State = Field(description="`running` until every job has ended; then `completed`, or `cancelled`")
    user_id: str | None
    total: int
    counts: dict[str, int] = Field(description="Jobs by state; `pending` ones were accepted and are still to be made")
    created_at: datetime
    cancelled_at: datetime | None = None
    finished_at: datetime | None = None


class Outcome(Frozen):
    """What became of one job of a batch so far."""

    custom_id: str
    job_id: str
    state: str | None = Field(description="A state, or `pending`; null when the job is no longer kept")
    result: dict[str, Any] | None = None
    error: JobError | None = None
    files: list[FileRef] = Field(default_factory=list[FileRef])


class BatchStore:
    """Every method raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, jobs: JobStore, settings: Settings, *, patience: timedelta) -> None:
        self._jobs = jobs
        self._redis = jobs.redis
        self._settings = settings
        self._patience = patience
        self._scripts = jobs.scripts
        self._reader = JobReader(jobs.redis, patience=patience)

    async def create(
        self, items: Sequence[Item], *, user_id: str | None, idempotency: Idempotency | None = None
    ) -> Created:
        """Accepts all of the jobs, or none. Raises IdempotencyConflict, StruckOut."""
        await self._jobs.strikes.check([item.new for item in items])
        batch_id = new_id()
        await self._stage(batch_id, items)
        outcome, found = await self._scripts.open_batch(
            batch_id=batch_id,
            user_id=user_id or "",
            total=len(items),
            remembered_as=keys.idempotency(idempotency.owner, idempotency.key) if idempotency else "",
            fingerprint=idempotency.fingerprint if idempotency else "",
            remember=int(self._settings.idempotency_ttl.total_seconds()),
        )
        if outcome == "conflict":
            raise IdempotencyConflict(found)
        if outcome == "incomplete":
            raise StoreUnavailable
        if outcome == "created":
            # From here on the sweep would do it as well.
            with suppress(StoreUnavailable):
                await self._expand(batch_id)
        return Created(job_id=found, replayed=outcome == "replayed")

    async def get(self, batch_id: str) -> Batch:
        """Raises BatchNotFound."""
        async with answered(self._patience):
            record = cast("dict[str, str]", await cast("Any", self._redis.hgetall(keys.batch(batch_id))))
        if "state" not in record:
            raise BatchNotFound(batch_id)
        return _to_batch(record)

    async def cancel(self, batch_id: str) -> None:
        """Cancels what has not ended. May be repeated. Raises BatchNotFound."""
        reply = await self._scripts.cancel_batch(batch_id=batch_id)
        if not reply[0]:
            raise BatchNotFound(batch_id)
        if reply[1] not in FINAL:
            async for members in self._members(batch_id):
                await asyncio.gather(*(self._cancel(job_id) for job_id, _ in members))

    async def outcomes(self, batch_id: str) -> AsyncIterator[Outcome]:
        """What became of each job, in the order of the request. Raises BatchNotFound, before the first one."""
        batch = await self.get(batch_id)
        made, otherwise = await self._made(batch)
        position = 0
        async for members in self._members(batch_id):
            records = await self._reader.records([job_id for job_id, _ in members])
            for (job_id, custom_id), record in zip(members, records, strict=True):
                gone = None if position < made else otherwise
                position += 1
                yield _outcome(job_id, custom_id, record, otherwise=gone)

    async def _made(self, batch: Batch) -> tuple[int, str]:
        """How many jobs were made, the first ones of the request; and what the others are."""
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            pipe.llen(keys.batch(batch.id) + keys.PENDING)
            pipe.hget(keys.batch(batch.id), "unmade")
            pending, unmade = await pipe.execute()
        if unmade is not None:
            return batch.total - int(unmade), State.CANCELLED
        return batch.total - int(pending), PENDING

    async def _stage(self, batch_id: str, items: Sequence[Item]) -> None:
        base = keys.batch(batch_id)
        for start in range(0, len(items), _CHUNK):
            named = [(new_id(), item) for item in items[start : start + _CHUNK]]
            jobs = [
                self._jobs.staged(job_id, one.new, batch=batch_id, custom_id=one.custom_id) for job_id, one in named
            ]
            # One transaction: were it broken off between the two, a list would stay for ever.
            async with answered(self._patience), self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(base + keys.PENDING, *map(json.dumps, jobs))
                pipe.rpush(base + keys.MEMBERS, *(f"{job_id} {one.custom_id}" for job_id, one in named))
                for key in (keys.PENDING, keys.MEMBERS):
                    pipe.expire(base + key, _STAGED_FOR)
                await pipe.execute()

    async def _expand(self, batch_id: str) -> None:
        left = 1
        while left:
            [left] = await self._scripts.expand_batch(batch_id=batch_id, most=_MADE_AT_ONCE)

    async def _members(self, batch_id: str) -> AsyncIterator[list[tuple[str, str]]]:
        """Job ids and the client's names for them, some at a time."""
        start = 0
        while True:
            async with answered(self._patience):
                found = await cast(
                    "Any", self._redis.lrange(keys.batch(batch_id) + keys.MEMBERS, start, start + _CHUNK - 1)
                )
            if not found:
                return
            yield [(job_id, custom_id) for job_id, _, custom_id in (member.partition(" ") for member in found)]
            start += _CHUNK

    async def _cancel(self, job_id: str) -> None:
        with suppress(JobNotFound):
            await self._jobs.cancel(job_id)


def _outcome(job_id: str, custom_id: str, record: JobRecord | None, *, otherwise: str | None) -> Outcome:
    """`otherwise` is the state of a job without a record."""
    if record is None:
        return Outcome(custom_id=custom_id, job_id=job_id, state=otherwise)
    return Outcome(
        custom_id=custom_id,
        job_id=job_id,
        state=record["state"],
        result=json.loads(record["result"]) if "result" in record else None,
        error=JobError.model_validate_json(record["error"]) if "error" in record else None,
        files=_FILES.validate_json(record.get("files", "[]")),
    )


def _to_batch(record: dict[str, str]) -> Batch:
    counts = {state: int(record.get(state, 0)) for state in (PENDING, *State)}
    dates = {field: to_datetime(record[field]) for field in ("cancelled_at", "finished_at") if field in record}
    return Batch(
        id=record["id"],
        state=State.read(record["state"]),
        user_id=record["user_id"] or None,
        total=int(record["total"]),
        counts=counts,
        created_at=to_datetime(record["created_at"]),
        **dates,
    )
