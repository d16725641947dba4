"""What a worker and an API process cost while there is nothing to do."""

import asyncio
import time

from bench.bench import Bench, Column, Table
from bench.lab import Lab
from bench.measures.http import EMPTY, REFERENCES, serve
from bench.redis_sample import Sample
from bench.systems import HEADRACE, System

MEMORY, COMMANDS, API_MEMORY = "worker memory", "idle commands", "API memory"
TABLE = Table(
    "Idle",
    "Memory of a worker that has done one job, all of its processes, pages they share counted once (PSS); Redis "
    "commands a second that it sends, those inside scripts included; memory of an API process. All systems idle side "
    "by side, each on a Redis of its own.",
    [
        Column(MEMORY, "worker, MiB", ratio=True),
        Column(COMMANDS, "commands/s", 1),
        Column(API_MEMORY, "API process, MiB"),
    ],
)
MIB = 2**20
REST = 3.0


async def measure(bench: Bench) -> None:
    seconds = 6.0 if bench.quick else 15.0
    booting = asyncio.Semaphore(2)
    await asyncio.gather(*(_worker(bench, system, booting, seconds) for system in bench.systems))
    for route in REFERENCES:
        if route.name in {HEADRACE.name, EMPTY}:
            async with bench.lab(route.system, **route.environment) as lab:
                family, _ = await serve(lab, route)
                bench.record(route.name, API_MEMORY, family.memory() / MIB)


async def _worker(bench: Bench, system: System, booting: asyncio.Semaphore, seconds: float) -> None:
    with bench.excused(system, MEMORY):
        async with bench.lab(system) as lab:
            async with booting, lab.submitter() as submitter:
                [worker] = await lab.ready_workers(submitter)
            await asyncio.sleep(REST)  # what begins with the first job has ended
            bench.record(system.name, MEMORY, worker.memory() / MIB)
            bench.record(system.name, COMMANDS, await _commands_a_second(lab, seconds))


async def _commands_a_second(lab: Lab, seconds: float) -> float:
    before, started = Sample.take(lab.redis), time.monotonic()
    await asyncio.sleep(seconds)  # how long is looked at
    _, _, _, commands = before.until(Sample.take(lab.redis))
    return commands.total() / (time.monotonic() - started)
