"""One Redis subscription for all event streams of a process: it says which stream may have news, and nothing else.

What happened stands in the streams alone. So nothing is lost when the connection is, when a message comes twice or not
at all, or when a client is slow: each follower reads its own stream on from the last event that it has seen.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import islice
from typing import cast

import structlog
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError

from jobs.errors import TooManyStreams

_TOGETHER = 500
"""Most streams subscribed to before the first of them is confirmed, and its follower looks for news."""
_CHECK_EVERY = timedelta(seconds=5)
"""A connection that is silent for so long is asked whether it still lives, and has as long to answer."""
_TRY_AGAIN = timedelta(seconds=1)

_log = structlog.stdlib.get_logger(__name__)


class Bell:
    """Rings for one follower of a stream when it should look for news."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def heard(self, *, within: timedelta) -> bool:
        """Whether it rang since it was last heard, or rings before the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                await self._rung.wait()
        rung = self._rung.is_set()
        self._rung.clear()
        return rung


class EventHub:
    """Connects through `pool` when something is first followed, and again whenever the connection is lost.

    At most `limit` followers at once. A silent one looks for news every `keep_alive`, whatever the hub says.
    """

    def __init__(self, pool: ConnectionPool, *, keep_alive: timedelta, limit: int) -> None:
        self.keep_alive = keep_alive
        self.closed = False
        self._pool = pool
        self._limit = limit
        self._followers = 0
        self._bells: dict[str, set[Bell]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._line: _Line | None = None

    @contextmanager
    def watch(self, stream: str) -> Generator[Bell]:
        """A bell for the stream of this key. It also rings once the subscription holds, and each time it holds anew.

        Raises TooManyStreams.
        """
        if self._followers >= self._limit:
            raise TooManyStreams(self._limit)
        bell = Bell()
        if self.closed:
            bell.ring()
        self._followers += 1
        self._add(stream, bell)
        try:
            yield bell
        finally:
            self._followers -= 1
            self._remove(stream, bell)

    def close(self) -> None:
        """Wakes all followers, those to come as well, which end as they see that the hub is closed."""
        self.closed = True
        for bells in self._bells.values():
            for bell in bells:
                bell.ring()

    async def aclose(self) -> None:
        self.close()
        if self._listening:
            self._listening.cancel()
            await asyncio.wait({self._listening})

    def _add(self, stream: str, bell: Bell) -> None:
        bells = self._bells.setdefault(stream, set())
        bells.add(bell)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        elif self._line and len(bells) == 1:
            self._line.change(stream, wanted=True)

    def _remove(self, stream: str, bell: Bell) -> None:
        bells = self._bells[stream]
        bells.remove(bell)
        if not bells:
            del self._bells[stream]
            if self._line:
                self._line.change(stream, wanted=False)

    async def _listen(self) -> None:
        complaint = ""
        while not self.closed:
            connection = self._pool.make_connection()
            try:
                await connection.connect()
                if not self.closed:  # while it connects, redis-py was seen to swallow a cancel
                    await self._hear(_Line(connection))
            except (RedisError, OSError) as error:
                if str(error) != complaint:  # once an outage
                    _log.warning("event streams hear of nothing at once", error=str(error))
                complaint = str(error)
            finally:
                self._line = None
                await connection.disconnect(nowait=True)
            if not self.closed:
                await asyncio.sleep(_TRY_AGAIN.total_seconds())  # before Redis is asked again

    async def _hear(self, line: "_Line") -> None:
        self._line = line
        for stream in self._bells:
            line.change(stream, wanted=True)
        while True:
            stream = await line.news()
            for bell in self._bells.get(stream, ()):
                bell.ring()


class _Line:
    """A connection that is subscribed to streams."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._due: dict[str, bool] = {}
        """Streams whose subscription is to begin or to end."""
        self._unconfirmed = 0
        self._sending: asyncio.Task[None] | None = None

    def change(self, stream: str, *, wanted: bool) -> None:
        """Subscribes to the stream, or ends that."""
        self._due[stream] = wanted
        self._send_due()

    async def news(self) -> str:
        """The next stream that may have news, because it was written to or its subscription holds now.

        Raises RedisError or OSError when the connection is lost.
        """
        while True:
            # A list; the answer to PING is a string in newer versions of the protocol.
            message = cast("list[str] | str", await self._next())
            if message[0] in {"subscribe", "unsubscribe"}:
                self._confirmed()
            if message[0] in {"subscribe", "message"}:
                return message[1]

    async def _next(self) -> object:
        patience = _CHECK_EVERY.total_seconds()
        message = cast("object", await self._connection.read_response(timeout=patience, push_request=True))
        if message is None:
            await self._connection.send_command("PING", check_health=False)
            message = cast("object", await self._connection.read_response(timeout=patience, push_request=True))
        if message is None:
            raise ConnectionLost("no reply in time")
        return message

    def _confirmed(self) -> None:
        self._unconfirmed -= 1
        self._send_due()

    def _send_due(self) -> None:
        if self._due and not self._unconfirmed:
            together = list(islice(self._due.items(), _TOGETHER))
            for stream, _ in together:
                del self._due[stream]
            self._unconfirmed = len(together)
            self._sending = asyncio.create_task(self._send(together))

    async def _send(self, together: list[tuple[str, bool]]) -> None:
        begin = [stream for stream, wanted in together if wanted]
        end = [stream for stream, wanted in together if not wanted]
        commands = [(name, *streams) for name, streams in (("SUBSCRIBE", begin), ("UNSUBSCRIBE", end)) if streams]
        with suppress(RedisError, OSError):  # whoever reads finds out
            await self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)
