"""What event streams cost an API process while nothing happens, and how soon events reach clients."""

import asyncio
import json
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from statistics import median

from bench.bench import Bench, Column, Table
from bench.lab import DoesNotRun, Family, Lab
from bench.measures.http import REFERENCES, serve
from bench.systems import HEADRACE
from jobs import kinds
from jobs.model import Progress
from jobs.settings import Settings
from jobs.store import Claim, JobStore, NewJob

MEMORY, CONNECTIONS, IDLE, P50, P99 = "KiB a stream", "redis connections", "idle CPU", "event p50", "event p99"
BUSY, RATE = 500, 500
TABLE = Table(
    "Event streams",
    f"Open `text/event-stream`s of one API process, each of a job of its own. `KiB each`: memory that the process has "
    f"gained (PSS); processor time of the process while nothing happens; then {BUSY} of the jobs make {RATE} events a "
    "second between them, ms from the call that stores an event until the client has it.",
    [
        Column(MEMORY, "KiB each", 1),
        Column(CONNECTIONS, "Redis connections"),
        Column(IDLE, "idle, % of a core", 1),
        Column(P50, "event p50, ms", 1),
        Column(P99, "event p99, ms", 1),
    ],
)


def row(streams: int) -> str:
    return f"{streams:,} streams"


def count(*, quick: bool) -> int:
    return 1_000 if quick else 9_500


async def measure(bench: Bench) -> None:
    if HEADRACE not in bench.systems:
        return
    name, seconds = row(count(quick=bench.quick)), 5 if bench.quick else 15
    async with bench.lab(HEADRACE) as lab, _store(lab) as store, _clients(lab) as clients:
        busy, idle = await _jobs(store, count(quick=bench.quick))
        before = clients.api.memory()
        await clients.follow([*(claim.lease.job_id for claim in busy), *idle])
        bench.record(name, MEMORY, (clients.api.memory() - before) / 1024 / (len(busy) + len(idle)))
        bench.record(name, CONNECTIONS, sum(one["name"].startswith("headrace-api") for one in lab.redis.client_list()))
        spent = clients.api.processor_seconds()
        await asyncio.sleep(seconds)  # how long is looked at
        bench.record(name, IDLE, 100 * (clients.api.processor_seconds() - spent) / seconds)
        await _happen(store, busy, seconds)
        late = await clients.late()
        bench.record(name, P50, median(late))
        bench.record(name, P99, late[len(late) * 99 // 100])


async def _jobs(store: JobStore, streams: int) -> tuple[list[Claim], list[str]]:
    """Jobs that run and others that wait, as many as there are to be streams."""
    new = NewJob(kinds.get("story"), {"title": "t", "prompt": "p", "pages": 4})
    job_ids = [(await store.create(new)).job_id for _ in range(streams)]
    claims = [await store.claim(job_id, worker="bench", token=job_id) for job_id in job_ids[:BUSY]]
    return [claim for claim in claims if isinstance(claim, Claim)], job_ids[BUSY:]


async def _happen(store: JobStore, busy: list[Claim], seconds: float) -> None:
    """Events at an even pace, each with the time in it."""
    started = time.perf_counter()
    for number in range(round(seconds * RATE)):
        await asyncio.sleep(max(0.0, started + number / RATE - time.perf_counter()))  # the pace
        await store.progress(busy[number % len(busy)].lease, Progress(detail=f"{time.time()} {number}"))


class _Clients:
    """The API process, and another one with all of its clients."""

    def __init__(self, api: Family, process: asyncio.subprocess.Process) -> None:
        self.api = api
        self._process = process

    async def follow(self, job_ids: list[str]) -> None:
        await self._tell([f"/jobs/{job_id}/events" for job_id in job_ids])

    async def late(self) -> list[float]:
        """How late each event came since the last call, ms, the soonest first."""
        return sorted(json.loads(await self._tell("late")))

    async def _tell(self, order: object) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise DoesNotRun("the clients of the event streams ended")
        return line


@asynccontextmanager
async def _clients(lab: Lab) -> AsyncGenerator[_Clients]:
    route = next(route for route in REFERENCES if route.name == HEADRACE.name)
    api, url = await serve(lab, route)
    command = HEADRACE.python("-m", "bench.streams", url.split(":")[2].partition("/")[0])
    process = await asyncio.create_subprocess_exec(*command, env=lab.environment, stdin=PIPE, stdout=PIPE, limit=2**24)
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield _Clients(api, process)
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _store(lab: Lab) -> AsyncGenerator[JobStore]:
    settings = Settings.model_validate({"redis_url": lab.environment["REDIS_URL"]})
    store = JobStore.open(settings, name="bench", patience=timedelta(seconds=10))
    yield store
    await store.aclose()
