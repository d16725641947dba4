"""Queues and kinds: paused, resumed, purged."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Path, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.dependencies import Store
from api.documentation import answer, problems
from api.hot_route import read_body
from api.submission import KindName
from jobs.model import Frozen
from jobs.pauses import Pause, of_kind, of_queue
from jobs.purges import Purge
from jobs.queues import queue_names
from jobs.store import JobStore

router = APIRouter(tags=["operation"])

PURGE_WITHIN = timedelta(seconds=1)
"""A purge that takes longer is gone on with by the workers' sweep."""

_log = structlog.stdlib.get_logger(__name__)


def _known(name: str) -> str:
    if name not in queue_names():
        raise ValueError(f"{name!r} is no queue here. Known queues: {', '.join(queue_names())}")
    return name


QueueInPath = Annotated[str, AfterValidator(_known), Path(alias="queue", description="One that `GET /queues` lists")]
KindInPath = Annotated[KindName, Path(alias="kind", description="One of the names that `GET /kinds` lists")]


class Order(BaseModel):
    """Who wants it, and why: shown wherever it is seen."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    by: Annotated[str, Field(min_length=1, max_length=128, description="Who wants it", examples=["ann@example.com"])]
    why: Annotated[str, Field(min_length=1, max_length=500, examples=["The provider answers nonsense"])]


class Resumed(Frozen):
    was_paused: bool


_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_ORDER: dict[str, Any] = {"by": "ann@example.com", "why": "The provider answers nonsense"}
_PAUSE = Pause(at=_AT, **_ORDER)
_PURGE = Purge(at=_AT, cancelled=120, over=True, **_ORDER)
_TAKES_ORDER: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": Order.model_json_schema(), "example": _ORDER}},
    }
}
_PROBLEMS = problems(400, 413, 415, 422, 503)


@router.post(
    "/queues/{queue}/pause",
    summary="Pause a queue",
    responses={200: answer(_PAUSE)} | _PROBLEMS,
    openapi_extra=_TAKES_ORDER,
)
async def pause_queue(queue: QueueInPath, request: Request, store: Store) -> Pause:
    """None of its jobs is started until it is resumed, whatever restarts. New ones wait; those that run go on."""
    return await _pause(store, of_queue(queue), await read_body(request, Order))


@router.post(
    "/queues/{queue}/resume", summary="Resume a queue", responses={200: answer(Resumed(was_paused=True))} | _PROBLEMS
)
async def resume_queue(queue: QueueInPath, store: Store) -> Resumed:
    """Its jobs run again, in the order in which they would have. May be repeated."""
    return await _resume(store, of_queue(queue))


@router.post(
    "/queues/{queue}/purge",
    summary="Cancel all jobs that wait in a queue",
    responses={200: answer(_PURGE)} | _PROBLEMS,
    openapi_extra=_TAKES_ORDER,
)
async def purge_queue(queue: QueueInPath, request: Request, store: Store) -> Purge:
    """Those that are `queued` now. Jobs that run or wait for a retry go on; so do batches that are still being made.

    What takes longer than a second goes on in the background: `GET /queues` shows it until it is over.
    """
    return await _purge(store, of_queue(queue), await read_body(request, Order))


@router.post(
    "/kinds/{kind}/pause",
    summary="Pause a kind",
    responses={200: answer(_PAUSE)} | _PROBLEMS,
    openapi_extra=_TAKES_ORDER,
)
async def pause_kind(kind: KindInPath, request: Request, store: Store) -> Pause:
    """None of its jobs is started until it is resumed, whatever restarts; other kinds of its queue go on."""
    return await _pause(store, of_kind(kind), await read_body(request, Order))


@router.post(
    "/kinds/{kind}/resume", summary="Resume a kind", responses={200: answer(Resumed(was_paused=True))} | _PROBLEMS
)
async def resume_kind(kind: KindInPath, store: Store) -> Resumed:
    """Its jobs run again, each at the place that it had. May be repeated."""
    return await _resume(store, of_kind(kind))


@router.post(
    "/kinds/{kind}/purge",
    summary="Cancel all jobs of a kind that wait",
    responses={200: answer(_PURGE)} | _PROBLEMS,
    openapi_extra=_TAKES_ORDER,
)
async def purge_kind(kind: KindInPath, request: Request, store: Store) -> Purge:
    """As for a queue, but only the jobs of this kind."""
    return await _purge(store, of_kind(kind), await read_body(request, Order))


async def _pause(store: JobStore, target: str, order: Order) -> Pause:
    pause = await store.pauses.pause(target, by=order.by, why=order.why)
    _log.warning("paused", target=target, by=order.by, why=order.why)
    return pause


async def _resume(store: JobStore, target: str) -> Resumed:
    was_paused = await store.pauses.resume(target)
    _log.warning("resumed", target=target, was_paused=was_paused)
    return Resumed(was_paused=was_paused)


async def _purge(store: JobStore, target: str, order: Order) -> Purge:
    purge = await store.purges.purge(target, by=order.by, why=order.why, within=PURGE_WITHIN)
    _log.warning("purged", target=target, by=order.by, why=order.why, cancelled=purge.cancelled, over=purge.over)
    return purge
