"""A process that opens event streams, as it is told on its standard input, and notes when each event arrives.

`python -m bench.streams PORT`. A line of input is a JSON list of paths to follow, answered by a line when all of them
are open; or the word `"late"`, answered by how late each event came since the last such word, ms: it says itself when
it was sent, by the clock of this machine.
"""

import asyncio
import json
import re
import sys
import time
from typing import cast

_SENT = re.compile(rb'"detail":"([\d.]+)')
_AT_ONCE = 64


class Follower(asyncio.Protocol):
    """One client. It keeps nothing of what it hears, so that thousands fit into a process."""

    def __init__(self, path: str, opened: "asyncio.Future[None]", late: list[float]) -> None:
        self._path = path
        self._opened = opened
        self._late = late

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        request = f"GET {self._path} HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n"
        cast("asyncio.Transport", transport).write(request.encode())

    def data_received(self, data: bytes) -> None:
        if not self._opened.done():
            if data.startswith(b"HTTP/1.1") and not data.startswith(b"HTTP/1.1 200"):
                self._opened.set_exception(ConnectionError(data[:200].decode()))
            elif b"event: " in data:  # what is there by now has come
                self._opened.set_result(None)
            return
        now = time.time()
        self._late += [1000 * (now - float(sent)) for sent in _SENT.findall(data)]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._opened.done():
            self._opened.set_exception(exc or ConnectionError("closed"))


async def main(port: int) -> None:
    loop = asyncio.get_running_loop()
    late: list[float] = []
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def follow(path: str) -> None:
        opened: asyncio.Future[None] = loop.create_future()
        async with at_once:
            await loop.create_connection(lambda: Follower(path, opened, late), "127.0.0.1", port)
            await opened

    _say("ready")
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        if order == "late":
            _say(json.dumps(late))
            late.clear()
        else:
            await asyncio.gather(*map(follow, order))
            _say("open")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
