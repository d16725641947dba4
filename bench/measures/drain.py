"""How fast one worker works through a queue, and what its jobs cost Redis in memory."""

import asyncio
import time
from dataclasses import replace

from bench.bench import Bench, Column, Table
from bench.systems import CELERY, HEADRACE, System

START, RATE, QUEUED, FINISHED = "worker consuming", "drain", "queued", "finished"
TABLE = Table(
    "Drain",
    "Seconds from the start of a worker's process to the first line of its first task. It takes no-op jobs that were "
    "queued before it started: jobs a second from the first start on, for at most 5 s. And Redis' memory for each "
    "of them while queued, and when finished, as long as it is kept. What a worker does at a time is its own default "
    "(see Systems). `children kept`: Headrace without its default of a new child process every so many jobs "
    "(`HEADRACE_MAX_TASKS_PER_CHILD`). `as Headrace sets it`: plain Celery with Headrace's settings (nothing fetched "
    "ahead while a task runs, events for Flower, children kept) and nothing else of it: what claim, lease and finish "
    "cost is the difference between these two.",
    [
        Column(START, "consuming after, s", 2, ratio=True),
        Column(RATE, "jobs/s", ratio=True),
        Column(QUEUED, "bytes per queued job"),
        Column(FINISHED, "bytes per finished job"),
    ],
)
SECONDS = 5.0
KEPT = replace(
    HEADRACE,
    name="Headrace, children kept",
    environment={**HEADRACE.environment, "HEADRACE_MAX_TASKS_PER_CHILD": "1000000"},
)
"""Without the pause in which a child is replaced."""
SET_UP = System(
    "Celery, as Headrace sets it",
    CELERY.client,
    (*CELERY.command, "--without-gossip", "--without-mingle"),
    CELERY.library,
    "1 task, in a child process",
    environment={"BENCH_ACKS": "headrace", **KEPT.environment},
)


async def measure(bench: Bench) -> None:
    count = 1000 if bench.quick else 3000
    for _ in range(bench.rounds):
        for system in [*bench.systems, *([KEPT, SET_UP] if HEADRACE in bench.systems else [])]:
            with bench.excused(system, RATE):
                async with bench.lab(system) as lab:
                    async with lab.submitter() as submitter:
                        empty = lab.memory()
                        await submitter.submit(count, at_once=16)
                        bench.record(system.name, QUEUED, (lab.memory() - empty) / count)
                    started = time.time()
                    worker = lab.start_worker()
                    await lab.until(lambda: lab.count("start") >= 1, of=worker)
                    bench.record(system.name, START, lab.notes("start")[0].at - started)
                    await lab.seconds_until(lambda: lab.count("end") >= count, SECONDS)
                    ends, starts = lab.notes("end"), lab.notes("start")
                    last = max(note.at for note in ends)
                    bench.record(system.name, RATE, len(ends) / (last - starts[0].at))
                    if len(ends) >= count:
                        await asyncio.sleep(1)  # the worker writes what became of its last job
                        bench.record(system.name, FINISHED, max(0, lab.memory() - empty) / count)
                    else:
                        bench.tell(system.name, FINISHED, f"{len(ends)} of {count} were done")
