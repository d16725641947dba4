"""A minimal FastAPI route that takes a story and submits it through a system's own library, or does nothing.

`uvicorn bench.route:create_app --factory`

    BENCH_BODY     the module with the model of the body
    BENCH_CLIENT   the module of the system as in `bench.peers`; empty: the route does nothing
    BENCH_IN_LOOP  set: a library that blocks is called in the event loop; else, as FastAPI advises, in a thread
"""

import importlib
import inspect
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from fastapi import FastAPI

BODY = importlib.import_module(os.environ["BENCH_BODY"]).Body
CLIENT = os.environ["BENCH_CLIENT"]
FIELDS = {"title", "prompt", "user_id", "pages", "seed"}


def create_app() -> FastAPI:
    submit: Callable[[Any], Any] | None = None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        nonlocal submit
        if not CLIENT:
            yield
            return
        async with importlib.import_module(CLIENT).client() as submit:
            app.add_api_route("/stories", _route(submit), methods=["POST"], status_code=202)
            yield

    async def nothing(body: BODY) -> dict[str, str]:  # noqa: ARG001  # checked, and left
        return _accepted()

    app = FastAPI(lifespan=lifespan)
    if not CLIENT:
        app.add_api_route("/stories", nothing, methods=["POST"], status_code=202)
    return app


def _route(submit: Callable[[Any], Any]) -> Callable[..., Any]:
    async def awaited(body: BODY) -> dict[str, str]:
        await submit(body.model_dump(include=FIELDS))
        return _accepted()

    async def in_loop(body: BODY) -> dict[str, str]:
        submit(body.model_dump(include=FIELDS))
        return _accepted()

    def in_thread(body: BODY) -> dict[str, str]:
        submit(body.model_dump(include=FIELDS))
        return _accepted()

    if inspect.iscoroutinefunction(submit):
        return awaited
    return in_loop if os.environ.get("BENCH_IN_LOOP") else in_thread


def _accepted() -> dict[str, str]:
    return {"id": str(uuid4()), "state": "queued"}
