"""The events of a job or batch as a `text/event-stream`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

import structlog
from fastapi import Response, status
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.types import Receive, Scope, Send

from jobs.errors import HeadraceError
from jobs.events import Event

MEDIA_TYPE = "text/event-stream"
RETRY_MS = 3000
"""How long a client waits before it connects again."""
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""Nothing on the way may hold events back."""

_log = structlog.stdlib.get_logger(__name__)


def frame(event: Event) -> bytes:
    return format_sse_event(id=str(event.sequence), event=event.event, data_str=event.model_dump_json())


class EventStream(Response):
    """Sends events until there are no more, or the client has gone; a comment for each None among them.

    204 when there are none at all, which tells a browser not to connect again. What is wrong before the first of them
    is an answer like any other; later, as when Redis goes away, the stream ends, and the client connects again with
    the number of the last event that it saw.
    """

    media_type = MEDIA_TYPE

    def __init__(self, events: AsyncIterator[Event | None]) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._events = cast("AsyncGenerator[Event | None]", events)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events) as events:
            try:
                first = await anext(events)
            except StopAsyncIteration:
                await Response(status_code=status.HTTP_204_NO_CONTENT)(scope, receive, send)
                return
            # No more than two tasks, once: this is what an idle stream costs.
            sending = asyncio.create_task(self._send(first, events, send))
            leaving = asyncio.create_task(_disconnected(receive))
            try:
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                sending.cancel()
                await asyncio.wait({sending, leaving})
            if not sending.cancelled():
                sending.result()

    async def _send(self, first: Event | None, others: AsyncIterator[Event | None], send: Send) -> None:
        async def write(body: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": body, "more_body": more})

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await write(format_sse_event(retry=RETRY_MS) + _block(first))
        try:
            async for event in others:
                await write(_block(event))
        except HeadraceError as error:
            _log.warning("event stream ended early", error=str(error))
        await write(b"", more=False)


def _block(event: Event | None) -> bytes:
    return KEEPALIVE_COMMENT if event is None else frame(event)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass  # a body that nobody asked for
