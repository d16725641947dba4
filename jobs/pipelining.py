"""One Redis connection for all commands: none need wait until the one before it was answered."""

import asyncio
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self, cast

import hiredis
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import ResponseError

from jobs.connection import connect
from jobs.settings import Settings


class PipelinedRedis(Redis):
    """Sends concurrent commands down one connection; for commands that Redis answers at once, not for blocking ones.

    With 32 requests at a time this takes less than half the processor time of a connection for each of them.
    So do the commands of a `pipeline(transaction=False)`, in one write. Transactions use connections of the pool, which
    is closed with this client.
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
        [reply] = await self.execute_together([(args, options)])
        return reply

    async def execute_together(self, commands: Sequence[tuple[tuple[Any, ...], Mapping[str, Any]]]) -> list[Any]:
        """The replies, in order. Raises the first that is an error."""
        replies = await self.replies([args for args, _ in commands])
        return [self.read(reply, *command) for reply, command in zip(replies, commands, strict=True)]

    async def replies(self, commands: Sequence[tuple[Any, ...]]) -> list[object]:
        """As they come, errors among them. Sent in one write."""
        try:
            return await (await self._open_line()).ask(commands)
        except ConnectionLost:
            # Safe: every script may be repeated, see scripts/prelude.
            return await (await self._open_line()).ask(commands)

    def hang_up(self) -> None:
        """The next command opens a new connection."""
        if self._line is not None:
            self._line.drop()

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:  # noqa: FBT001, FBT002  # redis-py's own signature
        return super().pipeline(transaction, shard_hint) if transaction else _Together(self)

    def read(self, reply: object, args: tuple[Any, ...], options: Mapping[str, Any]) -> object:
        if isinstance(reply, Exception):
            raise reply
        callback = self.response_callbacks.get(args[0])
        if callback is None:
            return reply
        # `keys` is meant for redis-py's client-side cache.
        return callback(reply, **{name: value for name, value in options.items() if name != "keys"})

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


class _Together(Pipeline):
    """Commands that a PipelinedRedis sends in one write."""

    def __init__(self, client: PipelinedRedis) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction=False, shard_hint=None)
        self._client = client

    async def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: ARG002, FBT001, FBT002  # redis-py's own signature
        commands, self.command_stack = self.command_stack, []
        return await self._client.execute_together(commands) if commands else []


@dataclass(eq=False, slots=True)
class _Question:
    """Commands sent together, and what came back until now; errors are replies as well."""

    due: int
    answer: "asyncio.Future[list[object]]"
    replies: list[object] = field(default_factory=list[object])


class _Line:
    """A connection, what is to be sent on it, and who waits for the replies, in their order."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._outbox: list[bytes] = []
        self._filled = asyncio.Event()
        self._waiting: deque[_Question] = deque()
        self.usable = True
        self._tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._receive())]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def ask(self, commands: Sequence[tuple[Any, ...]]) -> list[object]:
        """Their replies, error replies among them. Raises ConnectionError when the connection is lost."""
        # Some names are two words to Redis: SCRIPT LOAD.
        packed = b"".join(
            cast("bytes", hiredis.pack_command((*command[0].split(), *command[1:]))) for command in commands
        )
        question = _Question(len(commands), asyncio.get_running_loop().create_future())
        quiet = not self._waiting
        self._waiting.append(question)
        try:
            if quiet:
                await self._connection.send_packed_command(packed, check_health=False)
            else:
                # While replies are due, commands gather: one write takes all of them.
                self._outbox.append(packed)
                self._filled.set()
            return await question.answer
        except asyncio.CancelledError:
            # Nothing came for as long as the caller was willing to wait, so the connection may be dead.
            if self._waiting and self._waiting[0] is question:
                self._break(ConnectionLost("no reply in time"))
            raise
        except ConnectionLost as error:
            question.answer.cancel()
            self._break(error)
            raise

    def drop(self) -> None:
        """Fails whoever still waits."""
        self._break(ConnectionLost("closed"))

    async def close(self) -> None:
        self.drop()
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
        question = self._waiting[0]
        question.replies.append(reply)
        if len(question.replies) == question.due:
            self._waiting.popleft()
            if not question.answer.done():
                question.answer.set_result(question.replies)

    def _ended(self, task: asyncio.Task[None]) -> None:
        # Cancelled by a loop that ends its tasks, it may still be asked by the last of them: on a new connection.
        self._break(ConnectionLost("closed" if task.cancelled() else str(task.exception())))

    def _break(self, error: Exception) -> None:
        self.usable = False
        while self._waiting:
            question = self._waiting.popleft()
            if not question.answer.done():
                question.answer.set_exception(error)
        for task in self._tasks:
            task.cancel()
