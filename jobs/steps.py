"""The saved steps of a job: read and copied some at a time, for there may be many; and what follows from which."""

import json
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import timedelta
from typing import Any, cast

from pydantic import BaseModel
from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered

_AT_ONCE = 200
_STAGED_FOR = timedelta(minutes=10)
"""What was staged for a retry that was never made is gone after this."""


class SavedStep(BaseModel):
    """What every saved step says of its place among the others. The worker keeps more."""

    phase: int = 0
    """Phases are what steps' names have before the colon, numbered in the order in which the pipeline came to them."""


def from_step_on(steps: Mapping[str, str], step: str) -> list[str]:
    """The step and those of all later phases, which may be made from it. `steps` are the saved ones, name -> JSON."""
    phases = {name: SavedStep.model_validate_json(text).phase for name, text in steps.items()}
    return [name for name, phase in phases.items() if name == step or phase > phases[step]]


async def read_steps(redis: Redis, job_id: str, *, patience: timedelta) -> dict[str, str]:
    """Name -> JSON. They must not change meanwhile: the job has ended, or the reader holds its lease."""
    return await _read(redis, keys.steps(job_id), patience)


async def read_files(redis: Redis, job_id: str, *, patience: timedelta) -> list[Any]:
    """The files of all saved steps, by name."""
    lists = await _read(redis, keys.files(job_id), patience)
    return sorted((file for text in lists.values() for file in json.loads(text)), key=lambda file: file["name"])


async def stage_steps(redis: Redis, *, of: str, to: str, left_out: Collection[str] = (), patience: timedelta) -> None:
    """Copies the steps of an ended job, and their files, to a job that is about to be made; for ten minutes."""
    for source, target in ((keys.steps(of), keys.steps(to)), (keys.files(of), keys.files(to))):
        async for chunk in _chunks(redis, source, patience):
            kept = {name: text for name, text in chunk.items() if name not in left_out}
            if kept:
                # One transaction: were it broken off between the two, the copy would stay for ever.
                async with answered(patience), redis.pipeline(transaction=True) as pipe:
                    pipe.hset(target, mapping=cast("Any", kept))
                    pipe.expire(target, _STAGED_FOR)
                    await pipe.execute()


async def _read(redis: Redis, key: str, patience: timedelta) -> dict[str, str]:
    return {name: text async for chunk in _chunks(redis, key, patience) for name, text in chunk.items()}


async def _chunks(redis: Redis, key: str, patience: timedelta) -> AsyncIterator[dict[str, str]]:
    cursor = 0
    while True:
        async with answered(patience):
            cursor, chunk = cast(
                "tuple[int, dict[str, str]]", await cast("Any", redis.hscan(key, cursor, count=_AT_ONCE))
            )
        yield chunk
        if cursor == 0:
            return
