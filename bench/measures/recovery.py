"""What becomes of a running job when its worker is killed, stopped, or loses its child."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from signal import SIGKILL, SIGTERM

from bench.bench import Bench, Column, Table
from bench.lab import Family, Lab, Note
from bench.systems import System

LIMIT = 45.0
"""Seconds that anything is waited for; "not within 45 s" is a result."""
LONG = 90.0
"""Seconds that a job takes: longer than anything is waited for."""
GRACE = 10.0
JOB = 1000
"""Its title, which no job has that the workers did before it."""
KILLED, STOPPED, CHILD = "killed", "stopped", "child lost"
TABLE = Table(
    "Recovery",
    f"A worker runs a job of {LONG:.0f} s and another worker is idle. Seconds from the fault until the job runs "
    f"again, looked at for {LIMIT:.0f} s, and how many times it was started in all. SIGKILL: all processes of the "
    f"worker. SIGTERM: SIGKILL follows after {GRACE:.0f} s, as on Cloud Run. Lost child: SIGKILL of the process that "
    "runs the job, where it is not the only one. Celery redelivers after an hour, its visibility timeout. All "
    "systems side by side, each on a Redis of its own.",
    [Column(KILLED, "SIGKILL, s", 1), Column(STOPPED, "SIGTERM, s", 1), Column(CHILD, "lost child, s", 1)],
)

Fault = Callable[[Lab, Family, int], Awaitable[None]]


async def _kill(_: Lab, worker: Family, __: int) -> None:
    worker.signal_family(SIGKILL)


async def _stop(lab: Lab, worker: Family, _: int) -> None:
    worker.signal(SIGTERM)
    await lab.seconds_until(lambda: worker.exit_code is not None, GRACE)
    worker.signal_family(SIGKILL)


async def _kill_child(_: Lab, __: Family, child: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(child, SIGKILL)


FAULTS: dict[str, Fault] = {KILLED: _kill, STOPPED: _stop, CHILD: _kill_child}


async def measure(bench: Bench) -> None:
    """Everything is booted, then all faults come at once: booting a worker would be in the way of the others."""
    async with AsyncExitStack() as stack:
        booting = asyncio.Semaphore(2)
        stages = [(system, figure) for system in bench.systems for figure in FAULTS]
        staged = await asyncio.gather(*(_stage(bench, *stage, booting, stack) for stage in stages))
        labs = [(lab, figure) for lab, (_, figure) in zip(staged, stages, strict=True) if lab is not None]
        await asyncio.gather(*(_put(bench, lab, figure) for lab, figure in labs))


async def _stage(
    bench: Bench, system: System, figure: str, booting: asyncio.Semaphore, stack: AsyncExitStack
) -> Lab | None:
    """A worker with a job and an idle one; None when they do not run."""
    with bench.excused(system, figure):
        async with booting:
            lab = await stack.enter_async_context(bench.lab(system))
            async with lab.submitter() as submitter:
                await lab.ready_workers(submitter, 2)
                await submitter.submit(1, first=JOB, milliseconds=round(LONG * 1000))
            await lab.expect(lambda: bool(_of_job(lab, "start")), what="the job starts")
            return lab
    return None


async def _put(bench: Bench, lab: Lab, figure: str) -> None:
    start = _of_job(lab, "start")[0]
    worker = lab.runner(start)
    if figure == CHILD and start.pid == worker.pid:
        bench.tell(lab.system.name, figure, "no child")
        return
    at = time.time()
    await asyncio.gather(FAULTS[figure](lab, worker, start.pid), lab.seconds_until(lambda: False, LIMIT))
    starts, ends = _of_job(lab, "start"), _of_job(lab, "end")
    if len(starts) > 1:
        bench.record(lab.system.name, figure, starts[1].at - at)
        bench.tell(lab.system.name, figure, f"{len(starts)} starts")
    elif ends:
        bench.tell(lab.system.name, figure, "the job ended, once")
    else:
        bench.tell(lab.system.name, figure, f"not within {LIMIT:.0f} s")


def _of_job(lab: Lab, event: str) -> list[Note]:
    return [note for note in lab.notes(event) if note.title == str(JOB)]
