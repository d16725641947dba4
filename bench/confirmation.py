"""What HEADRACE_REDIS_WAIT costs: a primary and one replica on this machine. `python -m bench.confirmation`."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from pydantic import SecretStr
from redis import Redis

from bench.machine import free_port
from cli.embedded_redis import EmbeddedRedis
from jobs import kinds
from jobs.leases import Claim
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.store import JobStore

JOBS = 500
ROUNDS = 3
STORY = {"title": "The Fox", "prompt": "A fox finds the sea", "pages": 4}


async def _creates(store: JobStore) -> None:
    await store.create(NewJob(kinds.get("story"), STORY))


async def _whole_life(store: JobStore) -> None:
    """Created, claimed, two steps saved, completed."""
    created = await store.create(NewJob(kinds.get("story"), STORY))
    claim = await store.claim(created.job_id, worker="bench", token=created.job_id)
    assert isinstance(claim, Claim)
    for step in ("outline", "page"):
        await store.save_step(claim.lease, step, '{"value": 1}')
    await store.complete(claim.lease, result={"title": "The Fox"})


async def _rate(store: JobStore, work: Callable[[JobStore], Awaitable[None]], *, at_once: int) -> float:
    """How many a second."""

    async def one_after_another() -> None:
        for _ in range(JOBS // at_once):
            await work(store)

    began = time.perf_counter()
    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return JOBS / (time.perf_counter() - began)


async def _measure(port: int) -> None:
    for work in (_creates, _whole_life):
        for at_once in (1, 32):
            found = {0: list[float](), 1: list[float]()}
            for wait in [0, 1] * ROUNDS:
                settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"), redis_wait=wait)
                store = JobStore.open(settings, name="bench", patience=timedelta(seconds=10))
                found[wait].append(await _rate(store, work, at_once=at_once))
                await store.redis.flushdb()
                await store.aclose()
            without, confirmed = median(found[0]), median(found[1])
            name = work.__name__.strip("_")
            print(f"{name:12} {at_once:3} at once: {without:7.0f}/s, confirmed {confirmed:7.0f}/s")  # noqa: T201  # a command


def main() -> None:
    with TemporaryDirectory() as folder:
        servers = [EmbeddedRedis(Path(folder, name), port=free_port(), aof=True) for name in ("first", "second")]
        for server in servers:
            server.start()
        try:
            with Redis(port=servers[1].port) as replica, Redis(port=servers[0].port) as primary:
                replica.replicaof("127.0.0.1", str(servers[0].port))
                while primary.wait(1, 1000) < 1:
                    pass
            asyncio.run(_measure(servers[0].port))
        finally:
            for server in servers:
                server.stop()


if __name__ == "__main__":
    main()
