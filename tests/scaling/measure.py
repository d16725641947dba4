"""What a job, a worker and an API process cost Redis: the figures of docs/scaling.md.

    .venv/bin/python -m tests.scaling.measure

It starts a private redis-server with its append-only file, workers and an API, and takes about five minutes. Memory is
Redis' `used_memory`, processor time Redis' own `used_cpu_*`; commands are INFO commandstats, those within scripts too.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import redis

from bench.redis_sample import Sample
from cli.embedded_redis import EmbeddedRedis
from jobs import kinds
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.ports import free_port

STORY = {"title": "My Story", "prompt": "A magical adventure", "pages": 4}
JOBS = 40
IDLE_SECONDS = 20
HEADRACE = [sys.executable, "-c", "from cli.main import run; run()"]
WORKER = [sys.executable, "-m", "celery", "-A", "tasks", "--quiet", "worker", "--without-gossip", "--without-mingle"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedRedis(Path(folder) / "redis", port=free_port())
        server.start()
        os.environ |= {
            "REDIS_URL": server.url,
            "HEADRACE_PROVIDER": "offline",
            "HEADRACE_FILES_URL": f"file://{folder}/files",
        }
        os.environ.pop("PORT", None)
        try:
            with redis.Redis(port=server.port, decode_responses=True) as client:
                _measure(client)
        finally:
            server.stop()


def _measure(client: Any) -> None:  # noqa: ANN401
    none = _idle(client, "no worker: Redis by itself")
    with _running(WORKER):
        _until(lambda: client.zcard("hr:workers") == 1)
        time.sleep(3)
        one = _idle(client, "one idle worker")
        names = Counter(item["name"] or "kombu" for item in client.client_list())
        _say("connections with one worker", dict(names))
        with _running(WORKER):
            _until(lambda: client.zcard("hr:workers") == 2)
            time.sleep(3)
            two = _idle(client, "two idle workers")
            rate, share = (two[0] - none[0]) / 2, (two[1] - none[1]) / 2
            _say("an idle worker, from two", f"{rate:.1f} commands/s, {share * 100:.2f} % of a core")
            asyncio.run(_queue(1))
            _say("connections of two workers, one busy, at most", _most_connections(client))
    client.flushall()
    empty = Sample.take(client)

    asyncio.run(_queue(JOBS))
    before = Sample.take(client)
    drained = subprocess.run([*HEADRACE, "drain", "--empty-queue-timeout=1"], check=True, capture_output=True)  # noqa: S603
    seconds, _, cpu, commands = before.until(Sample.take(client))
    _say("drained", drained.stdout.decode().strip())
    idle = one[0] * seconds
    _say("commands per story of 4 pages", f"{(commands.total() - idle) / JOBS:.0f} (idle worker's taken off)")
    _say("scripts per story of 4 pages", f"{commands['evalsha'] / JOBS:.1f}")
    _say("processor time of Redis per story", f"{(cpu - one[1] * seconds) / JOBS * 1000:.2f} ms (the same)")
    held = Sample.take(client).memory - empty.memory
    _say("memory per finished story of 4 pages", f"{held / JOBS / 1024:.1f} KiB")

    client.flushall()
    floor = Sample.take(client)
    queued = 0
    for target in (1_000, 10_000):
        asyncio.run(_queue(target - queued))
        queued = target
        after = Sample.take(client)
        _say(f"{target} queued", f"{(after.memory - floor.memory) / target / 1024:.2f} KiB per job")
    _, _, cpu, commands = floor.until(Sample.take(client))
    _say(
        "processor time of Redis per accepted job",
        f"{cpu / queued * 1000:.3f} ms, {commands.total() / queued:.1f} commands",
    )
    client.flushall()

    port = free_port()
    api = [sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory", "--port", str(port), "--log-level=error"]
    with _running(api):
        _until(lambda: _answers(port))
        _say("connections of an API process, one client", _connections(client, "headrace-api"))
        asyncio.run(_post(port, clients=32, each=30))
        _say("connections of an API process, 32 clients", _connections(client, "headrace-api"))


def _idle(client: Any, what: str) -> tuple[float, float]:  # noqa: ANN401
    """Commands per second, and processor seconds of Redis per second."""
    before = Sample.take(client)
    time.sleep(IDLE_SECONDS)
    seconds, _, cpu, commands = before.until(Sample.take(client))
    rates = commands.total() / seconds, cpu / seconds
    _say(
        what,
        f"{rates[0]:.1f} commands/s, {rates[1] * 100:.2f} % of a core, {len(client.client_list()) - 1} connections",
    )
    return rates


def _most_connections(client: Any) -> int:  # noqa: ANN401
    """While one job is made."""
    most = 0
    while not client.zcard("hr:index:state:completed"):
        most = max(most, len(client.client_list()) - 1)
    return most


async def _queue(count: int) -> None:
    store = JobStore.open(Settings(), name="bench", patience=timedelta(seconds=10))
    try:
        for _ in range(count):
            await store.create(NewJob(kinds.get("story"), STORY))
    finally:
        await store.aclose()


async def _post(port: int, *, clients: int, each: int) -> None:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", limits=httpx.Limits(max_connections=clients)
    ) as api:

        async def one() -> None:
            for _ in range(each):
                (await api.post("/stories", json=STORY, timeout=30)).raise_for_status()

        await asyncio.gather(*(one() for _ in range(clients)))


@contextmanager
def _running(command: list[str]) -> Generator[None]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet)  # noqa: S603  # our own commands
    try:
        yield
    finally:
        process.terminate()
        process.wait(15)


def _until(ready: Any) -> None:  # noqa: ANN401
    deadline = time.monotonic() + 30
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError("a process did not start")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready").is_success
    except httpx.TransportError:
        return False


def _connections(client: Any, name: str) -> int:  # noqa: ANN401
    return sum(item["name"].startswith(name) for item in client.client_list())


def _say(what: str, figure: object) -> None:
    print(f"{what:<44} {figure}", flush=True)  # noqa: T201  # the answer


if __name__ == "__main__":
    main()
