"""What a Redis that was restored from a copy no longer knows, job by job: from its records and the file store."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Literal, cast
from uuid import UUID

from pydantic import Field
from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.files import FileStore
from jobs.ids import first_id_of
from jobs.model import Frozen
from jobs.states import State

LOOKED_AT = 10_000
"""Unfinished jobs that are looked at, those made first before the others."""


What = Literal["gone", "repeated", "repaired", "unhurt"]


class RestoredJob(Frozen):
    job_id: str
    what: What = Field(
        description="`gone`: made after the copy. `repeated`: had come further than the copy has it, and does so again."
        " `repaired`: was running, and is queued again by the sweep. `unhurt`: waits as it did"
    )
    detail: str


class RestorationReport(Frozen):
    copied_at: datetime
    jobs: Sequence[RestoredJob]
    more: bool = Field(description="There are more unfinished jobs than were looked at")


async def examine_restored(
    redis: Redis, files: FileStore, *, copied_at: datetime, patience: timedelta
) -> RestorationReport:
    """What is to be known before API and workers start again. Raises StoreUnavailable, and what the file store raises.

    Made after the copy and without a file yet: of such a job nothing is left to be found here.
    """
    unfinished: list[tuple[str, State]] = []
    for state in (State.RUNNING, State.SCHEDULED, State.QUEUED):
        async with answered(patience):
            found = cast("list[str]", await redis.zrange(keys.INDEX_STATE + state, 0, LOOKED_AT - 1))
        unfinished += [(job_id, state) for job_id in found]
    kept = [await _kept(redis, files, job_id, state, patience) for job_id, state in unfinished]
    gone = await _gone(redis, files, copied_at, patience)
    return RestorationReport(copied_at=copied_at, jobs=[*gone, *kept], more=len(unfinished) >= LOOKED_AT)


async def _gone(redis: Redis, files: FileStore, copied_at: datetime, patience: timedelta) -> list[RestoredJob]:
    """Jobs whose files are there, but no record. Ids are in the order of time: only later ones are looked at."""
    counts: dict[str, int] = {}
    async for path in files.paths(after=first_id_of(copied_at)):
        job_id = path.partition("/")[0]
        if _is_id(job_id):
            counts[job_id] = counts.get(job_id, 0) + 1
    found: list[RestoredJob] = []
    for job_id, count in counts.items():
        async with answered(patience):
            if not await redis.exists(keys.job(job_id)):
                found.append(
                    RestoredJob(job_id=job_id, what="gone", detail=f"made after the copy; files of it: {count}")
                )
    return found


async def _kept(redis: Redis, files: FileStore, job_id: str, state: State, patience: timedelta) -> RestoredJob:
    client: Any = redis
    async with answered(patience):
        saved = int(await client.hlen(keys.steps(job_id)))
        lists = cast("list[str]", await client.hvals(keys.files(job_id)))
    known = {file["key"] for file in chain.from_iterable(map(json.loads, lists))}
    unknown = [path async for path in files.paths(under=job_id) if path not in known]
    goes_on = f"goes on from {saved} saved steps" if saved else "begins anew"
    what: What = "unhurt"
    then = goes_on
    if unknown:
        names = ", ".join(sorted(path.rpartition("/")[2] for path in unknown))
        what, then = "repeated", f"{goes_on}, and makes again what made these files, unknown to the copy: {names}"
    elif state is State.RUNNING:
        what, then = "repaired", f"the sweep queues it, and it {goes_on}"
    return RestoredJob(job_id=job_id, what=what, detail=f"{state} in the copy; {then}")


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
