"""The FastAPI app: `uvicorn api.app:create_app --factory`."""

import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware

from api import problems
from api.auth import BearerAuth
from api.body_limit import BodyLimit
from api.documentation import DocumentedApi
from api.routes import (
    batches,
    events,
    files,
    health,
    jobs,
    kinds,
    metrics,
    pauses,
    queues,
    schedules,
    strikes,
    uploads,
    usage,
    workers,
)
from api.schedule_body import SCHEDULE_CHANGES
from api.services import Services, open_services
from api.shutdown import called_at_shutdown
from jobs import kinds as registry
from jobs.environment import UnreadableSettings, read_settings
from jobs.files import FileStore
from jobs.kind import InvalidKind
from jobs.logs import configure_logging
from jobs.settings import Settings

_DESCRIPTION = """\
Submit a job, follow its events, fetch what it made.

A job that was accepted with 202 reaches exactly one final state: `completed`, `failed`, `cancelled` or `expired`.
Errors are `application/problem+json` (RFC 9457). While Redis is away, whatever needs it answers 503 within two seconds.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API on `settings`. Without any it is a process of its own, with settings from the environment, and logs."""
    own_process = settings is None
    known = settings or _from_environment()
    if own_process:
        configure_logging(known)
        _require_kinds()
        _require_files(known)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[Services]:
        async with open_services(known) as services:
            if not own_process:
                yield services
                return
            _settle()
            with called_at_shutdown(services["hub"].close):
                yield services

    app = DocumentedApi(
        title="Headrace",
        version=version("headrace"),
        summary="Long AI-generation jobs over REST",
        description=_DESCRIPTION,
        lifespan=lifespan,
        middleware=_middleware(known),
        redirect_slashes=False,
    )
    app.bodies = (batches.NewBatchBody, SCHEDULE_CHANGES)
    app.token_needed = known.api_token is not None
    problems.install(app)
    # Not included but added: an included router is matched twice for every request.
    app.router.routes[:0] = [route for router in _routers() for route in router.routes]
    for route in app.routes:
        if isinstance(route, APIRoute):
            route.operation_id = route.name
    return app


def _from_environment() -> Settings:
    try:
        return read_settings()
    except UnreadableSettings as error:
        raise SystemExit(f"headrace: {error}") from None


def _require_kinds() -> None:
    try:
        registry.known()
    except InvalidKind as error:
        raise SystemExit(f"headrace: {error}") from None


def _require_files(settings: Settings) -> None:
    """Uploads are kept by this process."""
    if fault := FileStore.fault(settings):
        raise SystemExit(f"headrace: {fault}")


def _settle() -> None:
    """What startup made stays for good: looking through it for garbage would only stall requests.

    Looking at every 700 new objects, as Python does unless told otherwise, takes a tenth of the time of a POST. Looking
    at 400,000 at once, when thousands of event streams are opened, stops everything for half a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 5, 80)


def _middleware(settings: Settings) -> list[Middleware]:
    larger = {batches.PATH: settings.max_batch_bytes, uploads.PATH: settings.max_upload_bytes}
    limit = Middleware(BodyLimit, max_bytes=settings.max_body_bytes, larger=larger)
    return [Middleware(BearerAuth, token=settings.api_token), limit] if settings.api_token else [limit]


def _routers() -> list[APIRouter]:
    """Those that make jobs first: routes are tried in turn."""
    return [
        kinds.create_router(),
        jobs.router,
        batches.router,
        schedules.router,
        events.router,
        files.router,
        uploads.router,
        queues.router,
        pauses.router,
        strikes.router,
        workers.router,
        usage.router,
        metrics.router,
        health.router,
    ]
