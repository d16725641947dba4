"""What Redis bears when thousands of workers are busy: figures of docs/scaling.md.

    .venv/bin/python -m tests.scaling.fleet [WORKERS ...]

It starts a private redis-server, and simulates so many busy workers (1000, 3000 and 10000) from one process, a minute
each: at the real intervals they say that they are there, ask for a sweep and renew the lease of a job, and every 60 s
each completes its job and claims the next. Real are the scripts, Redis and its load; simulated are the processes, so a
worker's connections are counted on their own. A fleet breaks when renewals take longer than leases leave them.
"""

import asyncio
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redis

from bench.redis_sample import Sample
from cli.embedded_redis import EmbeddedRedis
from jobs import kinds
from jobs.errors import HeadraceError
from jobs.fleet import WorkerReport
from jobs.leases import Claim
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.ports import free_port

STORY = {"title": "My Story", "prompt": "A magical adventure in the woods"}
JOB_SECONDS = 60.0
REPORT_EVERY = 5.0
RUN_SECONDS = 60.0
CONNECTIONS = 2000
PATIENCE = timedelta(seconds=30)


class Load:
    """What the simulated workers saw."""

    def __init__(self) -> None:
        self.renewals: list[float] = []
        self.finished = 0
        self.lost = 0


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [1000, 3000, 10_000]
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            server = EmbeddedRedis(Path(folder) / "redis", port=free_port(), aof=True)
            server.start()
            try:
                with redis.Redis(port=server.port, decode_responses=True) as client:
                    asyncio.run(_run(client, Settings.model_validate({"redis_url": server.url}), size))
                    if size == sizes[-1]:
                        _connections(client, server.port)
            finally:
                server.stop()


async def _run(client: Any, settings: Settings, size: int) -> None:  # noqa: ANN401  # redis-py answers with untyped dicts
    store = JobStore.open(settings, name="fleet", patience=PATIENCE)
    load = Load()
    try:
        jobs = [
            await store.create(NewJob(kinds.get("story"), STORY, user_id=f"user-{n % 100}")) for n in range(size * 2)
        ]
        waiting = [job.job_id for job in jobs]
        workers = [asyncio.create_task(_worker(store, settings, f"w-{n}", waiting, load)) for n in range(size)]
        await asyncio.sleep(15)  # all have claimed by then
        load.renewals.clear()
        before, cpu = Sample.take(client), time.process_time()
        await asyncio.sleep(RUN_SECONDS)
        seconds, _, redis_cpu, commands = before.until(Sample.take(client))
        own = (time.process_time() - cpu) / seconds
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    finally:
        await store.aclose()
    took = sorted(load.renewals)
    p50, p99 = (took[int(len(took) * share)] * 1000 for share in (0.5, 0.99))
    print(  # noqa: T201  # the answer
        f"{size:>6,} workers: Redis {redis_cpu / seconds:.0%} of a core,"
        f" {commands['evalsha'] / seconds:,.0f} scripts/s,"
        f" {load.finished / seconds:.0f} jobs/s;"
        f" renewals p50 {p50:.0f} ms, p99 {p99:.0f} ms; leases lost {load.lost}"
        f" (the simulator itself: {own:.0%} of a core)",
        flush=True,
    )


async def _worker(store: JobStore, settings: Settings, name: str, waiting: list[str], load: Load) -> None:
    # As if each had been started at its own time.
    await asyncio.sleep(random.uniform(0, 10))  # noqa: S311  # guards nothing
    async with asyncio.TaskGroup() as duties:
        duties.create_task(_report(store, name))
        duties.create_task(_sweep(store, settings))
        first = random.uniform(0.2, 1) * JOB_SECONDS  # noqa: S311  # guards nothing
        while waiting:
            await _job(store, settings, name, waiting.pop(), first, load)
            first = JOB_SECONDS


async def _job(store: JobStore, settings: Settings, name: str, job_id: str, seconds: float, load: Load) -> None:
    claim = await store.claim(job_id, worker=name, token=job_id)
    if not isinstance(claim, Claim):
        return
    ends = time.monotonic() + seconds
    try:
        while time.monotonic() < ends:
            await asyncio.sleep(settings.heartbeat.total_seconds())
            began = time.monotonic()
            await store.renew(claim.lease)
            load.renewals.append(time.monotonic() - began)
        await store.complete(claim.lease, result={"pages": 4})
        load.finished += 1
    except HeadraceError:
        load.lost += 1


async def _report(store: JobStore, name: str) -> None:
    now = datetime.now(UTC)
    report = WorkerReport(
        id=name, host=name, pid=1, version="0", queues=["default"], started_at=now, seen_at=now, jobs=[]
    )
    while True:
        await store.report(report)
        await asyncio.sleep(REPORT_EVERY)


async def _sweep(store: JobStore, settings: Settings) -> None:
    while True:
        swept = await store.sweep()
        await asyncio.sleep(settings.sweep.total_seconds() * (2 if swept.elsewhere else 1))


def _connections(client: Any, port: int) -> None:  # noqa: ANN401
    before = client.info("memory")["used_memory"]
    held = [redis.Redis(port=port) for _ in range(CONNECTIONS)]
    for each in held:
        each.ping()
    size = (client.info("memory")["used_memory"] - before) / CONNECTIONS
    limit = client.config_get("maxclients")["maxclients"]
    print(f"a connection costs Redis {size / 1024:.1f} KiB; its limit here is {limit}", flush=True)  # noqa: T201
    for each in held:
        each.close()


if __name__ == "__main__":
    main()
