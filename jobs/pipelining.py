"""One Redis connection for all commands: none need wait until the one before it was answered."""

import asyncio
import math
from collections import deque
from datetime import timedelta
from typing import Any, Self, cast

import hiredis
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import ResponseError

from jobs.connection import connect
from jobs.settings import Settings


class PipelinedRedis(Redis):
    """Sends concurrent commands down one connection; for commands that Redis answers at once, not for blocking ones.

    With 32 requests at a time this takes less than half the processor time of a connection for each of them.
    Explicit pipelines (`client.pipeline()`) use connections of the pool, which is closed with this client.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        super().__init__(connection_pool=pool)
        self.auto_close_connection_pool = True
        self._line: _Line | None = None
        self._opening: asyncio.Task[_Line] | None = None

    @classmethod
    def open(cls, settings: Settings, *, name: str, reply_within: timedelta) -> Self:
        """Connects when first used, in the event loop that uses it. `aclose` closes it."""
        return cls(connect(settings, name=name, reply_within=reply_within).connection_pool)

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  # redis-py's own signature
        try:
            reply = await (await self._open_line()).ask(args)
        except ConnectionLost:
            # Safe: every script may be repeated, see scripts/prelude.
            reply = await (await self._open_line()).ask(args)
        callback = self.response_callbacks.get(args[0])
        options.pop("keys", None)  # meant for redis-py's client-side cache
        return callback(reply, **options) if callback else reply

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001  # redis-py's own signature
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})
        if self._line is not None:
            await self._line.close()
        await super().aclose(close_connection_pool)

    async def _open_line(self) -> "_Line":
        if self._line is not None and self._line.usable:
            return self._line
        # A task of its own: a caller whose patience ends must not take the attempt away from the others.
        if self._opening is None:
            self._opening = asyncio.create_task(self._connect())
            self._opening.add_done_callback(self._opened)
        return await asyncio.shield(self._opening)

    async def _connect(self) -> "_Line":
        if self._line is not None:
            await self._line.close()
            self._line = None
        connection = self.connection_pool.make_connection()
        try:
            await connection.connect()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        # For the handshake only: after it a silent server is found by whoever waits, and a timer a write is dear.
        connection.socket_timeout = None
        self._line = _Line(connection)
        return self._line

    def _opened(self, attempt: "asyncio.Task[_Line]") -> None:
        self._opening = None
        if not attempt.cancelled():
            attempt.exception()  # whoever still waits has it


class _Line:
    """A connection, what is to be sent on it, and who waits for the replies, in their order."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._outbox: list[bytes] = []
        self._filled = asyncio.Event()
        self._waiting: deque[asyncio.Future[object]] = deque()
        self.usable = True
        self._tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._receive())]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def ask(self, command: tuple[Any, ...]) -> object:
        """The reply. Raises ResponseError for an error reply and ConnectionError when the connection is lost."""
        # Some names are two words to Redis: SCRIPT LOAD.
        packed = cast("bytes", hiredis.pack_command((*command[0].split(), *command[1:])))
        reply: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        quiet = not self._waiting
        self._waiting.append(reply)
        try:
            if quiet:
                await self._connection.send_packed_command(packed, check_health=False)
            else:
                # While replies are due, commands gather: one write takes all of them.
                self._outbox.append(packed)
                self._filled.set()
            return await reply
        except asyncio.CancelledError:
            # Nothing came for as long as the caller was willing to wait, so the connection may be dead.
            if self._waiting and self._waiting[0] is reply:
                self._break(ConnectionLost("no reply in time"))
            raise
        except ConnectionLost as error:
            reply.cancel()
            self._break(error)
            raise

    async def close(self) -> None:
        """Fails whoever still waits."""
        self._break(ConnectionLost("closed"))
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connection.disconnect(nowait=True)

    async def _send(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            commands, self._outbox = self._outbox, []
            await self._connection.send_packed_command(commands, check_health=False)

    async def _receive(self) -> None:
        while True:
            try:
                reply = cast("object", await self._connection.read_response(timeout=math.inf))
            except ResponseError as error:
                reply = error
            self._answer(reply)

    def _answer(self, reply: object) -> None:
        waiting = self._waiting.popleft()
        if waiting.done():
            return
        if isinstance(reply, Exception):
            waiting.set_exception(reply)
        else:
            waiting.set_result(reply)

    def _ended(self, task: asyncio.Task[None]) -> None:
        # Cancelled by a loop that ends its tasks, it may still be asked by the last of them: on a new connection.
        self._break(ConnectionLost("closed" if task.cancelled() else str(task.exception())))

    def _break(self, error: Exception) -> None:
        self.usable = False
        while self._waiting:
            self._answer(error)
        for task in self._tasks:
            task.cancel()
