"""Many jobs that wait, in one child of one worker (`HEADRACE_JOBS_PER_WORKER`)."""

import asyncio
from dataclasses import replace

from bench.bench import Bench, Column, Table
from bench.systems import HEADRACE

STARTED, MEMORY, PROCESSOR = "all started", "child memory", "processor while waiting"
TABLE = Table(
    "Many jobs in one worker",
    "1,000 jobs of 20 s that only wait, in one child process (`HEADRACE_JOBS_PER_WORKER=1000`): seconds from the first "
    "submission, 32 at once, until the last one has started; memory of the child then (PSS); processor time of the "
    "whole worker while they wait. Headrace alone: the others run one at a time here, or threads.",
    [
        Column(STARTED, "all started after, s", 2),
        Column(MEMORY, "child, MiB"),
        Column(PROCESSOR, "% of a core", 1),
    ],
)
JOBS = 1000
MILLISECONDS = 20_000
WAIT = 5.0
MIB = 2**20
ROW = f"Headrace, {JOBS:,} jobs in one child"


async def measure(bench: Bench) -> None:
    if HEADRACE not in bench.systems:
        return
    system = replace(HEADRACE, name=ROW)
    for _ in range(bench.rounds):
        with bench.excused(system, STARTED):
            async with bench.lab(system, HEADRACE_JOBS_PER_WORKER=str(JOBS)) as lab, lab.submitter() as submitter:
                [worker] = await lab.ready_workers(submitter)
                done = await submitter.submit(JOBS, milliseconds=MILLISECONDS, at_once=32)
                await lab.until(lambda lab=lab: lab.count("start") >= JOBS, of=worker)
                bench.record(ROW, STARTED, max(note.at for note in lab.notes("start")) - done["began"])
                used = worker.processor_seconds()
                await asyncio.sleep(WAIT)  # how long is looked at
                bench.record(ROW, PROCESSOR, 100 * (worker.processor_seconds() - used) / WAIT)
                bench.record(ROW, MEMORY, worker.child_memory() / MIB)
