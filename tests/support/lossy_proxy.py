"""A proxy before Redis that loses an answer: the request was carried out, and its sender cannot know."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress


class LossyProxy:
    def __init__(self, upstream: int) -> None:
        self.port = 0
        self._upstream = upstream
        self._losing = False
        self._script_sent = False
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        try:
            yield
        finally:
            server.close()
            for writer in self._writers:
                writer.close()
            await asyncio.gather(*(_closed(writer) for writer in self._writers))

    @asynccontextmanager
    async def losing_a_reply(self) -> AsyncGenerator[None]:
        """The next script's answer is dropped with its connection, unless it is an error. Fails when there was none."""
        self._losing, self._script_sent = True, False
        yield
        assert not self._losing, "no reply came by"

    async def _serve(self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter) -> None:
        redis_reader, redis_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        self._writers += [client_writer, redis_writer]
        with suppress(ConnectionError):
            await asyncio.gather(
                self._ask(client_reader, redis_writer),
                self._answer(redis_reader, client_writer),
            )

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(65536):
            self._script_sent = self._script_sent or b"EVALSHA" in request
            writer.write(request)
            await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while reply := await reader.read(65536):
            if self._losing and self._script_sent and not reply.startswith(b"-"):
                self._losing = False
                break
            writer.write(reply)
            await writer.drain()
        writer.close()


async def _closed(writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        await writer.wait_closed()
