"""The proxy that breaks the way to Redis: each of its faults, and what heals."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import redis as redis_py

from cli.embedded_redis import EmbeddedRedis
from tests.support.fault_proxy import FaultProxy
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

SILENCE = 0.6
"""Seconds without a reply that count as none."""


class Line:
    """A connection through the proxy, by hand: nothing is repeated or reconnected behind the test's back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def ask(self, request: str, *, within: float = SILENCE) -> str:
        """The reply. Raises TimeoutError when none comes; "" when the connection was closed."""
        self.writer.write(f"{request}\r\n".encode())
        async with asyncio.timeout(within):
            return (await self._reader.readline()).decode().strip()

    async def works(self) -> bool:
        return await self.ask("PING", within=60) == "+PONG"

    async def is_silent(self) -> bool:
        try:
            await self.ask("PING")
        except TimeoutError:
            return True
        return False


@pytest.fixture
def proxy(redis_url: str, redis_server: EmbeddedRedis) -> Iterator[FaultProxy]:  # noqa: ARG001  # an empty server
    proxy = FaultProxy(redis_server.port)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def direct(redis_server: EmbeddedRedis) -> Iterator[redis_py.Redis]:
    with redis_py.Redis(port=redis_server.port) as client:
        yield client
        client.flushall()  # other tests share the server, and ask what keys it has


Connect = Callable[[], Awaitable[Line]]


@pytest.fixture
async def connect(proxy: FaultProxy) -> AsyncIterator[Connect]:
    lines: list[Line] = []

    async def connected() -> Line:
        lines.append(Line(*await asyncio.open_connection("127.0.0.1", proxy.port)))
        return lines[-1]

    yield connected
    for line in lines:
        line.writer.close()


async def test_it_forwards(connect: Connect) -> None:
    assert await (await connect()).works()


async def test_a_black_hole_swallows_old_and_new_connections(
    connect: Connect, proxy: FaultProxy, direct: redis_py.Redis
) -> None:
    """After it, what has lost bytes stays silent, and what has not works."""
    asking, resting = await connect(), await connect()
    assert await asking.works()
    assert await resting.works()
    proxy.blackhole()
    with pytest.raises(TimeoutError):
        await asking.ask("SET swallowed yes")
    new = await connect()
    assert await new.is_silent()
    proxy.heal()
    assert direct.get("swallowed") is None
    assert await asking.is_silent()
    assert await new.is_silent()
    assert await resting.works()
    assert await (await connect()).works()


async def test_redis_does_not_learn_of_a_connection_closed_in_a_black_hole(
    connect: Connect, proxy: FaultProxy, direct: redis_py.Redis
) -> None:
    """As with a machine that lost its network: what it waited for is still handed out to it."""
    line = await connect()
    assert await line.works()
    line.writer.write(b"BRPOP lane 0\r\n")
    await wait_until(lambda: "brpop" in commands(direct), within=2, what="BRPOP waits")
    proxy.blackhole(new=False)
    line.writer.close()
    await line.writer.wait_closed()
    assert await (await connect()).works()
    direct.lpush("lane", "message")
    assert direct.llen("lane") == 0


async def test_a_black_hole_can_leave_new_connections_alone(connect: Connect, proxy: FaultProxy) -> None:
    line = await connect()
    assert await line.works()
    proxy.blackhole(new=False)
    assert await line.is_silent()
    assert await (await connect()).works()


async def test_a_reset_ends_the_connections_of_now(connect: Connect, proxy: FaultProxy, direct: redis_py.Redis) -> None:
    line = await connect()
    assert await line.works()
    connected = len(commands(direct))
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await line.ask("PING")
    await wait_until(lambda: len(commands(direct)) < connected, within=2, what="Redis has one client less")
    assert await (await connect()).works()


async def test_refusing_keeps_old_connections(connect: Connect, proxy: FaultProxy) -> None:
    line = await connect()
    assert await line.works()
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await connect()
    assert await line.works()
    proxy.heal()
    assert await (await connect()).works()


async def test_replies_are_delayed(connect: Connect, proxy: FaultProxy) -> None:
    line = await connect()
    assert await line.works()
    proxy.delay(SILENCE / 2)
    watch = Stopwatch()
    assert await line.works()
    assert watch.took.seconds >= SILENCE / 2
    proxy.heal()
    watch = Stopwatch()
    assert await line.works()
    assert watch.took.net < SILENCE / 2


async def test_dropped_replies_are_of_requests_that_were_carried_out(
    connect: Connect, proxy: FaultProxy, direct: redis_py.Redis
) -> None:
    line = await connect()
    assert await line.works()
    proxy.drop_replies()
    with pytest.raises(TimeoutError):
        await line.ask("INCR carried_out")
    assert direct.get("carried_out") == b"1"
    proxy.heal()
    assert await line.is_silent()
    assert await (await connect()).works()


async def test_one_reply_is_lost_with_its_connection(
    connect: Connect, proxy: FaultProxy, direct: redis_py.Redis
) -> None:
    line = await connect()
    with proxy.losing_a_reply(to=b"INCR"):
        assert await line.works()
        assert await line.ask("INCR") == "-ERR wrong number of arguments for 'incr' command"
        assert await line.ask("INCR carried_out") == ""
    assert direct.get("carried_out") == b"1"
    assert await (await connect()).ask("INCR carried_out") == ":2"


async def test_a_reply_that_nobody_asked_for_cannot_be_lost(connect: Connect, proxy: FaultProxy) -> None:
    with pytest.raises(AssertionError, match="no reply came by"), proxy.losing_a_reply():
        assert await (await connect()).works()


def commands(direct: redis_py.Redis) -> list[str]:
    """The last command of each client that Redis has."""
    clients: Any = direct.client_list()
    return [client["cmd"] for client in clients]
