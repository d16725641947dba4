"""Whether this process is alive, and whether it can serve. Open to all: probes have no token."""

from datetime import timedelta

from fastapi import APIRouter

from api.dependencies import Store
from api.documentation import answer, problems
from jobs import keys
from jobs.connection import answered
from jobs.model import Frozen
from jobs.store import JobStore

router = APIRouter(prefix="/health", tags=["health"])

PATIENCE = timedelta(seconds=1)
"""Redis takes a write sooner than that, or this process is not ready."""


class Health(Frozen):
    status: str = "ok"


_OK = {200: answer(Health())}


@router.get("/live", summary="Is the process alive?", responses=_OK | problems())
async def is_live() -> Health:
    """Says nothing of Redis: a restart of this process would not bring that back."""
    return Health()


@router.get("/ready", summary="Can it serve?", responses=_OK | problems(503))
async def is_ready(store: Store) -> Health:
    """503 while Redis takes no writes, so that no job could be accepted."""
    return await _reach(store)


@router.get("/startup", summary="Has it started?", responses=_OK | problems(503))
async def has_started(store: Store) -> Health:
    """503 until Redis takes writes."""
    return await _reach(store)


async def _reach(store: JobStore) -> Health:
    async with answered(PATIENCE):
        # A write that changes nothing, for a ping is answered by a replica as well.
        await store.redis.delete(keys.NOTHING)
    return Health()
