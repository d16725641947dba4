"""A TCP proxy before Redis that breaks as networks break. It runs in a thread of its own, so tests may block."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto

from tests.support.ports import free_port

ACCEPTED_WITHIN = 5
"""Turns of the loop from an accepted connection to the task that serves it."""
CHUNK = 65536
OPENING = 1024
"""Bytes that a client's opening has at least, if it says as much."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER: on, 0 s."""


class _Fault(Enum):
    NONE = auto()
    DROP_REPLIES = auto()
    BLACKHOLE = auto()


@dataclass(eq=False)
class _Wire:
    """A client's connection and the one to Redis behind it.

    Once bytes of it were lost it stays as it is: what came after them would be taken for something else.
    """

    fault: _Fault
    ends: list[asyncio.StreamWriter] = field(default_factory=list[asyncio.StreamWriter])
    lossy: bool = False
    asked: bool = False
    """The request whose reply is to be lost went by."""
    opening: bytes = b""
    """What the client said first."""

    def suffer(self, fault: _Fault) -> None:
        if not self.lossy or fault is _Fault.BLACKHOLE:
            self.fault = fault

    def loses(self, *, replies: bool) -> bool:
        return self.fault is _Fault.BLACKHOLE or (replies and self.fault is _Fault.DROP_REPLIES)


class FaultProxy:
    """Forwards to the port `upstream` until told otherwise; `heal` ends every fault but what was lost.

    `port` is known, and may be given to others, before `start`.
    """

    def __init__(self, upstream: int) -> None:
        self.port = free_port()
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._closed_door: socket.socket | None = None
        self._fault = _Fault.NONE
        self._delay = 0.0
        self._lost_request: bytes | None = None
        self._cut_off: bytes | None = None
        self._wires: dict[asyncio.Task[None], _Wire] = {}

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # -- Faults -------------------------------------------------------------------------------------------------------

    def blackhole(self, *, new: bool = True) -> None:
        """Nothing arrives any more, in either direction, and nobody is told, not even of a closed connection.

        With `new`, new connections are accepted and go the same way; without, they work.
        """
        self._break(_Fault.BLACKHOLE, new=new)

    def cut_off(self, words: bytes) -> None:
        """As `blackhole`, old and new connections, but only of clients that open with these words."""

        def begin() -> None:
            self._cut_off = words
            for wire in self._wires.values():
                if words in wire.opening:
                    wire.suffer(_Fault.BLACKHOLE)

        self._do(begin)

    def drop_replies(self) -> None:
        """Requests arrive, and no reply comes back, on any connection."""
        self._break(_Fault.DROP_REPLIES, new=True)

    def delay(self, seconds: float) -> None:
        """Every reply comes that much later."""
        self._delay = seconds

    def reset(self) -> None:
        """All connections of now are reset, at both ends. New ones work."""

        def abort() -> None:
            for wire in self._wires.values():
                for end in wire.ends:
                    _reset(end)

        self._do(abort)

    def refuse(self) -> None:
        """New connections are refused; those of now go on (`reset` ends them)."""

        async def shut() -> None:
            if self._server is not None:
                await self._stop_listening()
                self._closed_door = _bind(self.port)  # nobody else gets the port

        asyncio.run_coroutine_threadsafe(shut(), self._loop).result()

    @contextmanager
    def losing_a_reply(self, *, to: bytes = b"EVALSHA") -> Generator[None]:
        """The next reply to a request with `to` in it is dropped with its connection, unless it is an error.

        Fails when there was none.
        """

        def watch() -> None:
            self._lost_request = to
            for wire in self._wires.values():
                wire.asked = False

        self._do(watch)
        yield
        assert self._lost_request is None, "no reply came by"

    def heal(self) -> None:
        """Back to forwarding. A connection that has lost bytes stays as it is; one that has lost none works again."""

        def forward() -> None:
            self._fault, self._delay, self._lost_request, self._cut_off = _Fault.NONE, 0.0, None, None
            for wire in self._wires.values():
                wire.suffer(_Fault.NONE)

        self._do(forward)
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def _break(self, fault: _Fault, *, new: bool) -> None:
        def begin() -> None:
            self._fault = fault if new else _Fault.NONE
            for wire in self._wires.values():
                wire.suffer(fault)

        self._do(begin)

    def lead_to(self, upstream: int) -> None:
        """New connections go to that port, as after a change of a DNS record; those that are open stay."""
        self._do(lambda: setattr(self, "_upstream", upstream))

    # -- In the thread ------------------------------------------------------------------------------------------------

    def _do(self, change: Callable[[], None]) -> None:
        """Runs it in the thread, between two reads; returns when it has taken effect."""

        async def changed() -> None:
            change()
            await asyncio.sleep(0)  # transports close in the turn after

        asyncio.run_coroutine_threadsafe(changed(), self._loop).result()

    async def _listen(self) -> None:
        if self._server is None:
            door, self._closed_door = self._closed_door or _bind(self.port), None
            self._server = await asyncio.start_server(self._serve, sock=door)

    async def _stop_listening(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        for door in server.sockets:
            self._loop.remove_reader(door.fileno())
        # Who was just let in is served, and so is known; a server that is closed by then would leave the socket open.
        for _ in range(ACCEPTED_WITHIN):
            await asyncio.sleep(0)
        server.close()

    async def _close(self) -> None:
        await self._stop_listening()
        if self._closed_door is not None:
            self._closed_door.close()
        for task, wire in self._wires.items():
            task.cancel()
            for end in wire.ends:
                end.transport.abort()
        await asyncio.gather(*self._wires, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the turn after

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        wire = self._wires[task] = _Wire(self._fault, [client])
        try:
            replies, redis = await asyncio.open_connection("127.0.0.1", self._upstream)
            wire.ends.append(redis)
            await asyncio.gather(self._requests(wire, reader, redis), self._replies(wire, replies, client))
        except (OSError, asyncio.CancelledError):
            pass  # Redis is away, an end was reset, or the proxy stops
        finally:
            for end in wire.ends:
                end.close()
            # What it still has to send may never go: until it is closed, `stop` must know it.
            for end in wire.ends:
                with suppress(OSError):
                    await end.wait_closed()
            del self._wires[task]

    async def _requests(self, wire: _Wire, reader: asyncio.StreamReader, redis: asyncio.StreamWriter) -> None:
        while data := await _read(reader):
            if len(wire.opening) < OPENING:
                wire.opening += data
                if self._cut_off is not None and self._cut_off in wire.opening:
                    wire.suffer(_Fault.BLACKHOLE)
            if wire.loses(replies=False):
                wire.lossy = True
                continue
            wire.asked = wire.asked or (self._lost_request is not None and self._lost_request in data)
            redis.write(data)
            await redis.drain()
        if not wire.loses(replies=False):
            redis.close()

    async def _replies(self, wire: _Wire, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while data := await _read(reader):
            await asyncio.sleep(self._delay)
            if wire.loses(replies=True):
                wire.lossy = True
                continue
            if wire.asked and self._lost_request is not None:
                wire.asked = False
                if not data.startswith(b"-"):
                    self._lost_request = None
                    break
            client.write(data)
            await client.drain()
        if not wire.loses(replies=True):
            client.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    """What came next; nothing at the end, be it by a reset."""
    with suppress(ConnectionError):
        return await reader.read(CHUNK)
    return b""


def _bind(port: int) -> socket.socket:
    """A socket that has the port and does not listen: whoever connects is refused."""
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", port))
    return door


def _reset(end: asyncio.StreamWriter) -> None:
    end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    end.transport.abort()
