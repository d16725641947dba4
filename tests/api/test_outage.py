"""Redis away: 503 within two seconds, whatever "away" means, and all is well once it is back."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import redis
from pydantic import SecretStr

from cli.embedded_redis import EmbeddedRedis
from jobs.settings import Settings
from jobs.store import JobStore
from tests.api.conftest import STORY, client_of, served
from tests.api.sse import blocks, follow
from tests.support.jobs_at_hand import claimed, queued
from tests.support.ports import free_port
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

WITHIN = 2.0
"""Seconds in which a client must hear that the store is away."""

SOME_JOB = uuid4()
NEEDS_REDIS = [
    ("POST", "/stories"),
    ("GET", "/jobs"),
    ("GET", f"/jobs/{SOME_JOB}"),
    ("GET", f"/jobs/{SOME_JOB}/events"),
    ("POST", f"/jobs/{SOME_JOB}/cancel"),
    ("POST", f"/jobs/{SOME_JOB}/retry"),
    ("GET", f"/jobs/{SOME_JOB}/files/book.pdf"),
    ("GET", "/queues"),
    ("GET", "/workers"),
    ("GET", "/metrics"),
    ("GET", "/health/ready"),
    ("GET", "/health/startup"),
]


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A Redis that a test may stop and kill."""
    server = EmbeddedRedis(tmp_path / "redis", port=free_port())
    server.start()
    yield server
    if server.pid:
        os.kill(server.pid, signal.SIGCONT)
    server.stop()


@pytest.fixture
def settings(doomed: EmbeddedRedis, tmp_path: Path) -> Settings:
    found = Settings.model_validate({"redis_url": doomed.url, "files_url": f"file://{tmp_path / 'files'}"})
    return found.model_copy(update={"keep_alive": timedelta(milliseconds=300)})


@pytest.fixture
async def warm(live: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client of a server that has open connections to Redis of all sorts."""
    job_id = (await live.post("/stories", json=STORY)).json()["id"]
    for path in (f"/jobs/{job_id}", "/queues", "/metrics"):
        assert (await live.get(path)).status_code == 200
    return live


def stop(server: EmbeddedRedis) -> None:
    """It keeps its connections and takes new ones, but says nothing."""
    assert server.pid
    os.kill(server.pid, signal.SIGSTOP)


def go_on(server: EmbeddedRedis) -> None:
    assert server.pid
    os.kill(server.pid, signal.SIGCONT)


async def assert_503_in_time(client: httpx.AsyncClient) -> None:
    """Everything that needs Redis says so in time, while the process is alive; all at once, as in real life."""

    async def ask(method: str, path: str) -> None:
        watch = Stopwatch()
        response = await client.request(method, path, json=STORY if path == "/stories" else None)
        took = watch.took.net
        assert response.status_code == 503, path
        assert took < WITHIN, (path, took)
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["type"] == "urn:headrace:problem:store-unavailable"
        assert int(response.headers["Retry-After"]) >= 1

    async def alive() -> None:
        watch = Stopwatch()
        assert (await client.get("/health/live")).status_code == 200
        assert watch.took.net < WITHIN / 2

    await asyncio.gather(alive(), *(ask(*request) for request in NEEDS_REDIS))
    await alive()


async def assert_back(client: httpx.AsyncClient) -> None:
    async def ready() -> bool:
        return (await client.get("/health/ready")).is_success

    await wait_until(ready, within=5, what="the API is ready again")
    assert (await client.post("/stories", json=STORY)).status_code == 202


async def test_a_stopped_redis_is_503_and_comes_back(warm: httpx.AsyncClient, doomed: EmbeddedRedis) -> None:
    """Connections are open, but nobody answers; a second round finds none open."""
    stop(doomed)
    await assert_503_in_time(warm)
    await assert_503_in_time(warm)
    go_on(doomed)
    await assert_back(warm)


async def test_a_killed_redis_is_503_and_comes_back(warm: httpx.AsyncClient, doomed: EmbeddedRedis) -> None:
    """Connections are refused."""
    doomed.kill()
    await assert_503_in_time(warm)
    doomed.start()
    await assert_back(warm)


async def test_a_redis_that_takes_no_writes_is_not_ready(warm: httpx.AsyncClient, doomed: EmbeddedRedis) -> None:
    """It answers every ping."""
    with redis.Redis(port=doomed.port) as client:
        client.replicaof("127.0.0.1", str(free_port()))
        assert client.ping()
        assert (await warm.get("/health/ready")).status_code == 503
        assert (await warm.get("/health/live")).status_code == 200
        client.replicaof("NO", "ONE")
    await assert_back(warm)


async def test_a_restart_between_two_requests_is_not_noticed(warm: httpx.AsyncClient, doomed: EmbeddedRedis) -> None:
    """Old connections are replaced before anybody hears of it, and scripts are loaded again."""
    doomed.kill()
    doomed.start()
    assert (await warm.post("/stories", json=STORY)).status_code == 202


async def test_a_redis_that_never_answers_is_503(settings: Settings) -> None:
    """It takes connections, from the very first on, and is silent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        away = settings.model_copy(update={"redis_url": SecretStr(f"redis://127.0.0.1:{port}/0")})
        async with client_of(away) as client:
            await assert_503_in_time(client)


async def test_one_slow_answer_costs_only_who_waited_for_it(warm: httpx.AsyncClient, doomed: EmbeddedRedis) -> None:
    """A pause shorter than the patience is not an outage."""
    stop(doomed)
    asking = [asyncio.create_task(warm.post("/stories", json=STORY)) for _ in range(5)]
    await asyncio.wait(asking, timeout=0.5)
    go_on(doomed)
    assert {response.status_code for response in await asyncio.gather(*asking)} == {202}


@pytest.fixture
async def followed(warm: httpx.AsyncClient, store: JobStore) -> AsyncIterator[tuple[str, httpx.Response]]:
    """A job, and a stream of its events of which two have been read."""
    job_id = await queued(store)
    await claimed(store, job_id)
    async with warm.stream("GET", f"/jobs/{job_id}/events") as response:
        yield job_id, response


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_a_stream_ends_cleanly_when_redis_goes(
    followed: tuple[str, httpx.Response],
    warm: httpx.AsyncClient,
    doomed: EmbeddedRedis,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    """No broken connection, no traceback; the client comes back with `Last-Event-ID` and misses nothing."""
    job_id, response = followed
    seen: list[int] = []
    async for block in blocks(response):
        if block.event:
            seen.append(block.id)
        if seen == [1, 2] and block.event:
            doomed.kill() if how == "killed" else stop(doomed)
    assert seen == [1, 2]
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []
    doomed.start() if how == "killed" else go_on(doomed)
    await assert_back(warm)
    assert (await warm.post(f"/jobs/{job_id}/cancel")).json()["state"] == "cancelled"
    assert [event.id for event in await follow(warm, job_id, last_event_id=2)] == [3]


async def test_a_server_starts_without_redis(settings: Settings, doomed: EmbeddedRedis) -> None:
    """It is alive, not ready, and serves as soon as Redis is there."""
    doomed.kill()
    async with served(settings) as client:
        assert (await client.get("/health/startup")).status_code == 503
        doomed.start()
        await assert_back(client)
        assert (await client.get("/health/startup")).status_code == 200
