"""How many calls of 2 to 3 s a minute workers make, and how many are in flight."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import accumulate

from bench.bench import Bench, Column, Table
from bench.headrace.titles import CALLS
from bench.lab import Lab
from bench.systems import CELERY, HEADRACE, System
from bench.website import Reply, Website, serving
from jobs import keys, kinds
from jobs.batches import BatchStore, Item
from jobs.new_job import NewJob
from jobs.settings import Settings
from jobs.states import State
from jobs.store import JobStore

RATE, IN_FLIGHT = "calls a minute", "in flight"
TABLE = Table(
    "Bound by a provider",
    "Calls of 2.5 s (Headrace: 2 to 3 s), and the most in flight. Of the peers one worker as it comes, a task being "
    "one call; what bounds it is how many tasks it runs at a time, which is a setting of most. Headrace's "
    "concurrency is within a job: `steps` are `run.map` calls, bound by HEADRACE_CONCURRENCY; `batch` is a whole batch "
    "of such jobs (3 of 200 calls, or 20 of 60), the last wave of calls of each included, in which ever fewer are in "
    "flight; `warmup` is the real "
    "kind, real HTTP to one slow host in the bench's own process, ramp included, bound by 64 in flight to a host and "
    "the rounds of doubling until they are reached, and with ten workers by the two cores that they, the host and "
    "Redis share.",
    [Column(RATE, "calls/min"), Column(IN_FLIGHT, "most in flight")],
)
WINDOW = 10.0
CALL = 2500
"""ms; a multiple of it is the window, so that no call is cut in two."""
BATCHES = {1: (3, 200, 64), 10: (20, 60, 16)}
"""By workers: jobs, calls of each, and how many of them at a time."""


def steps_row(workers: int, concurrency: int) -> str:
    return f"Headrace, steps, {_workers(workers)}, concurrency {concurrency}"


def batch_row(workers: int) -> str:
    return f"Headrace, batch, {_workers(workers)}, concurrency {BATCHES[workers][2]}"


def warmup_row(workers: int) -> str:
    return f"Headrace, warmup, {_workers(workers)}"


async def measure(bench: Bench) -> None:
    booting = asyncio.Semaphore(2)
    peers = [system for system in bench.systems if system is not HEADRACE]
    await asyncio.gather(*(_sleep(bench, system, 1, booting) for system in peers))
    if CELERY in bench.systems and not bench.quick:
        await _sleep(bench, CELERY, 10, booting)
    if HEADRACE in bench.systems:
        await _steps(bench, 1, 4)
        await _batch(bench, 1)
        await _warmup(bench, 1, 200 if bench.quick else 600)
        if not bench.quick:
            await _steps(bench, 10, 10)
            await _batch(bench, 10)
            await _warmup(bench, 10, 300)


async def _sleep(bench: Bench, system: System, workers: int, booting: asyncio.Semaphore) -> None:
    name = system.name if workers == 1 else f"{system.name}, {_workers(workers)}"
    with bench.excused(system, RATE):
        async with bench.lab(system) as lab:
            async with booting, lab.submitter() as submitter:
                await lab.ready_workers(submitter, workers)
                await submitter.submit(800, milliseconds=CALL, at_once=16)
            await _count(bench, lab, name)


async def _steps(bench: Bench, workers: int, concurrency: int) -> None:
    async with bench.lab(HEADRACE, HEADRACE_CONCURRENCY=str(concurrency)) as lab:
        async with lab.submitter() as submitter:
            await lab.ready_workers(submitter, workers)
        async with _store(lab) as store:
            for _ in range(workers):
                await store.create(NewJob(kinds.get("story"), {"title": f"{CALLS}500", "prompt": "calls"}))
        await _count(bench, lab, steps_row(workers, concurrency))


async def _batch(bench: Bench, workers: int) -> None:
    """From the request for the batch until its last job has ended."""
    jobs, calls, concurrency = BATCHES[workers]
    new = NewJob(kinds.get("story"), {"title": f"{CALLS}{calls}", "prompt": "calls"})
    async with bench.lab(HEADRACE, HEADRACE_CONCURRENCY=str(concurrency)) as lab, _store(lab) as store:
        async with lab.submitter() as submitter:
            await lab.ready_workers(submitter, workers)
        batches = BatchStore(store, _settings(lab), patience=timedelta(seconds=10))
        started = time.perf_counter()
        batch = await batches.create([Item(str(number), new) for number in range(jobs)], user_id=None)
        record = keys.batch(batch.job_id)
        await lab.expect(lambda: lab.redis.hexists(record, "finished_at"), what="the batch ends", within=180)
        bench.record(batch_row(workers), RATE, jobs * calls * 60 / (time.perf_counter() - started))
        bench.record(batch_row(workers), IN_FLIGHT, _most_in_flight(lab))


async def _count(bench: Bench, lab: Lab, name: str) -> None:
    """What ends within the window after the first start, and how many were under way at most."""
    await lab.expect(lambda: lab.count("start") >= 1, what="the first call starts")
    await lab.seconds_until(lambda: False, WINDOW + 1)
    first = lab.notes("start")[0].at
    ends = [note.at for note in lab.notes("end") if note.at <= first + WINDOW + 0.2]
    bench.record(name, RATE, len(ends) * 60 / WINDOW)
    bench.record(name, IN_FLIGHT, _most_in_flight(lab))


def _most_in_flight(lab: Lab) -> int:
    changes = sorted([(note.at, 1) for note in lab.notes("start")] + [(note.at, -1) for note in lab.notes("end")])
    return max(accumulate(change for _, change in changes))


async def _warmup(bench: Bench, jobs: int, urls: int) -> None:
    """As many jobs as workers, each with so many URLs of one slow host."""
    chance = random.Random(1)  # noqa: S311  # repeatable answer times
    paths = [[f"/{job}/{number}" for number in range(urls)] for job in range(jobs)]
    async with serving(Website()) as site:
        site.pages = {path: Reply(delay=chance.uniform(2, 3)) for some in paths for path in some}
        async with bench.lab(HEADRACE, HEADRACE_ALLOW_PRIVATE_HOSTS=site.host) as lab, _store(lab) as store:
            async with lab.submitter() as submitter:
                await lab.ready_workers(submitter, jobs)
            done = keys.INDEX_STATE + State.COMPLETED
            before = lab.redis.zcard(done)
            started = time.perf_counter()
            for some in paths:
                asked = {"urls": [site.url + path for path in some]}
                await store.create(NewJob(kinds.get("warmup"), asked))
            await lab.expect(lambda: lab.redis.zcard(done) >= before + jobs, what="the warm-ups end", within=180)
            bench.record(warmup_row(jobs), RATE, jobs * urls * 60 / (time.perf_counter() - started))
            bench.record(warmup_row(jobs), IN_FLIGHT, site.most_in_flight)


@asynccontextmanager
async def _store(lab: Lab) -> AsyncGenerator[JobStore]:
    store = JobStore.open(_settings(lab), name="bench", patience=timedelta(seconds=10))
    yield store
    await store.aclose()


def _settings(lab: Lab) -> Settings:
    return Settings.model_validate({"redis_url": lab.environment["REDIS_URL"]})


def _workers(count: int) -> str:
    return f"{count} worker{'s'[: count > 1]}"
