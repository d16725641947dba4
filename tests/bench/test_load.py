"""Load, by `wrk` or without it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from bench import load
from bench.lab import DoesNotRun
from bench.task import story


@pytest.fixture(params=["wrk", None])
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    if request.param and load.program() != request.param:
        pytest.skip("wrk is not installed")
    if request.param is None:

        def nowhere(_: str) -> None:
            return None

        monkeypatch.setattr("shutil.which", nowhere)
    return request.param


@asynccontextmanager
async def answering(status: str) -> AsyncGenerator[tuple[str, list[bytes]]]:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                asked.append(head.split(b"\r\n")[0] + await reader.readexactly(len(load.BODY)))
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # they have gone
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/stories", asked


@pytest.mark.usefixtures("program")
async def test_stories_are_posted_and_counted() -> None:
    async with answering("202 Accepted") as (url, asked):
        rate = await load.requests_a_second(url, clients=3, seconds=1)
        line, _, body = asked[0].partition(b"HTTP/1.1")
        assert line == b"POST /stories "
        assert json.loads(body) == story("My Story")
        assert rate == pytest.approx(len(asked), rel=0.2)


@pytest.mark.usefixtures("program")
async def test_a_refusal_ends_it() -> None:
    async with answering("503 Service Unavailable") as (url, _):
        with pytest.raises(DoesNotRun):
            await load.requests_a_second(url, clients=3, seconds=1)
