"""The events of a job or batch as a `text/event-stream`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

import structlog
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from jobs.errors import HeadraceError
from jobs.events import Event, EventLog

T = TypeVar("T")

RETRY_MS = 3000
"""How long a client waits before it connects again."""
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""Nothing on the way may hold events back."""

_log = structlog.stdlib.get_logger(__name__)


def frame(event: Event) -> bytes:
    return format_sse_event(id=str(event.sequence), event=event.event, data_str=event.model_dump_json())


async def stream(events: EventLog, whose: str, *, after: int, closing: asyncio.Event) -> AsyncGenerator[bytes]:
    """The events after number `after`, until the final one; a comment whenever there was none for `keep_alive`.

    Ends early when Redis is away or this process closes: the client connects again, with the number of the last event
    that it saw.
    """
    yield format_sse_event(retry=RETRY_MS)
    try:
        async for event in _until(closing, events.follow(whose, after=after)):
            yield KEEPALIVE_COMMENT if event is None else frame(event)
    except HeadraceError as error:
        _log.warning("event stream ended early", whose=whose, error=str(error))


async def _until(closing: asyncio.Event, items: AsyncIterator[T]) -> AsyncGenerator[T]:
    """The `items` that come before `closing` is set."""
    closed = asyncio.create_task(closing.wait())
    coming: asyncio.Task[T] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(anext(items))
            await asyncio.wait({coming, closed}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                return
            try:
                item = coming.result()
            except StopAsyncIteration:
                return
            yield item
    finally:
        closed.cancel()
        if coming:
            coming.cancel()
