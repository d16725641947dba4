"""What a job costs Headrace while few or many others are queued."""

import asyncio
from typing import Any

from bench.bench import Bench, Column, Table
from bench.lab import Lab
from bench.load import requests_a_second
from bench.measures.http import REFERENCES, serve
from bench.systems import HEADRACE
from bench.task import story
from jobs import keys
from jobs.states import State

BYTES, CREATE, RUN, RATE, LIST = "bytes each", "create", "run", "rate", "list"
TABLE = Table(
    "Headrace with a long queue",
    "Bytes of Redis for each queued job; Redis' processor time, as it counts it itself, for the script that creates "
    "one more and for all scripts of a job's run (sweeps included); the drain rate of one worker, over the next jobs; "
    "and `GET /jobs?user_id=...&state=failed` by 32 clients, where the user whose jobs wait has none that failed.",
    [
        Column(BYTES, "bytes per queued job"),
        Column(CREATE, "create.lua, µs"),
        Column(RUN, "scripts of a run, µs"),
        Column(RATE, "jobs/s"),
        Column(LIST, "lists/s"),
    ],
)
MORE, RUNS = 500, 400


def row(queued: int) -> str:
    return f"{queued:,} queued"


def levels(*, quick: bool) -> list[int]:
    return [1_000, 10_000] if quick else [1_000, 10_000, 100_000]


async def measure(bench: Bench) -> None:
    if HEADRACE not in bench.systems:
        return
    async with bench.lab(HEADRACE) as lab, lab.submitter() as submitter, lab.submitter() as other:
        await submitter.submit(1)
        lab.redis.flushall()
        empty = lab.memory()
        for level in levels(quick=bench.quick):
            missing = level - _waiting(lab)
            await asyncio.gather(*(each.submit(missing // 2, at_once=16) for each in (submitter, other)))
            bench.record(row(level), BYTES, (lab.memory() - empty) / _waiting(lab))
            lab.redis.config_resetstat()
            await submitter.submit(MORE, at_once=16)
            bench.record(row(level), CREATE, _script_microseconds(lab.redis) / MORE)
            bench.record(row(level), LIST, await _lists_a_second(lab))
            await _run_some(bench, lab, row(level))


async def _lists_a_second(lab: Lab) -> float:
    api, url = await serve(lab, next(route for route in REFERENCES if route.name == HEADRACE.name))
    failed = url.replace("/stories", f"/jobs?user_id={story('1')['user_id']}&state=failed")
    rate = await requests_a_second(failed, clients=32, seconds=2, body="")
    api.end()
    return rate


async def _run_some(bench: Bench, lab: Lab, name: str) -> None:
    lab.forget()
    worker = lab.start_worker()
    await lab.until(lambda: lab.count("end") >= 1, of=worker)
    lab.redis.config_resetstat()
    first = lab.count("end")
    await lab.expect(lambda: lab.count("end") >= first + RUNS, what=f"{RUNS} jobs end")
    spent, ends = _script_microseconds(lab.redis), lab.notes("end")
    worker.end()
    bench.record(name, RUN, spent / (len(ends) - first))
    bench.record(name, RATE, (len(ends) - 1) / (ends[-1].at - ends[0].at))


def _waiting(lab: Lab) -> int:
    return int(lab.redis.zcard(keys.INDEX_STATE + State.QUEUED))


def _script_microseconds(redis: Any) -> float:  # noqa: ANN401  # redis-py answers with untyped dicts
    return float(redis.info("commandstats")["cmdstat_evalsha"]["usec"])
