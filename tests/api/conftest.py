"""The API in this process, called straight or, where streams and outages matter, through a real server."""

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_app
from jobs.settings import Settings
from tests.support.liveness import answers
from tests.support.ports import free_port
from tests.support.waiting import wait_until

CLIENT_LIMIT = 60.0
"""Seconds that a test waits for any answer."""

STORY = {"title": "My Story", "prompt": "A magical adventure", "user_id": "9a0a594c-2699-400b-89e0-4a4ef78ced97"}


@asynccontextmanager
async def client_of(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of an app of its own, whose startup and shutdown run as in a server."""
    app = create_app(settings)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        wrapped: ASGIApp = with_state
        transport = httpx.ASGITransport(wrapped, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api", timeout=CLIENT_LIMIT) as client:
            yield client


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(settings) as client:
        yield client


@contextmanager
def serving(settings: Settings) -> Generator[str]:
    """The URL of a real server, in a thread of this process."""
    port = free_port()
    # asyncio's own loop: uvloop's close was seen to hang in a thread. With uvloop it runs in tests/acceptance.
    config = uvicorn.Config(
        create_app(settings), port=port, loop="asyncio", log_config=None, timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@asynccontextmanager
async def served(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of a real server."""
    with serving(settings) as url:
        await wait_until(lambda: answers(f"{url}/health/live"), within=CLIENT_LIMIT, what="the server answers")
        async with httpx.AsyncClient(base_url=url, timeout=CLIENT_LIMIT) as client:
            yield client


@pytest.fixture
async def live(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with served(settings) as client:
        yield client
