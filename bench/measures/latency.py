"""How long after it was submitted a job starts, the worker being idle."""

import asyncio
import time
from statistics import quantiles

from bench.bench import Bench, Column, Table
from bench.lab import Lab, Submitter

P50, P95, P99 = "dispatch p50", "dispatch p95", "dispatch p99"
TABLE = Table(
    "Dispatch latency",
    "From just before the library's call to the first line of the task, ms, one job at a time and the worker idle in "
    "between.",
    [Column(P50, "p50", 2, ratio=True), Column(P95, "p95", 2), Column(P99, "p99", 2)],
)
PAUSE = 0.03
"""Seconds from the end of a job to the next, in which the worker comes to rest."""


async def measure(bench: Bench) -> None:
    most, seconds = (40, 3.0) if bench.quick else (100, 4.0)
    for _ in range(bench.rounds):
        for system in bench.systems:
            with bench.excused(system, P50):
                async with bench.lab(system) as lab, lab.submitter() as submitter:
                    await lab.ready_workers(submitter)
                    taken = await _some(lab, submitter, most, seconds)
                cuts = quantiles(taken, n=100, method="inclusive")
                for figure, percent in ((P50, 50), (P95, 95), (P99, 99)):
                    bench.record(system.name, figure, cuts[percent - 1] * 1000)


async def _some(lab: Lab, submitter: Submitter, most: int, seconds: float) -> list[float]:
    """At least two; fewer than `most` where a system takes its time."""
    until = time.perf_counter() + seconds
    taken: list[float] = []
    while len(taken) < most and (len(taken) < 2 or time.perf_counter() < until):  # noqa: PLR2004
        taken.append(await _one(lab, submitter, len(taken) + 1))
        await asyncio.sleep(PAUSE)  # the worker's rest
    return taken


async def _one(lab: Lab, submitter: Submitter, number: int) -> float:
    lab.forget()
    done = await submitter.submit(1, first=number)
    await lab.expect(lambda: lab.count("end") >= 1, what=f"job {number} ends")
    [start] = lab.notes("start")
    return start.at - done["began"]
