"""How soon two workers are back at their pace after `celery purge -f`: a figure of docs/scaling.md.

    .venv/bin/python -m tests.scaling.purge [JOBS]

It queues jobs that do nothing, 100,000 unless told otherwise, on a private redis-server, lets two workers run for some
seconds, takes all messages away, and looks at each second after that. Once with the window of release that is derived
from the workers, and once with as many messages out as can be set.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

from bench.lab import Lab
from bench.systems import HEADRACE, ROOT

BEFORE, AFTER = 8, 15
"""Seconds that are looked at on both sides of the purge."""
WIDEST = 1000
"""The most messages that a window may have."""
BACK = 0.7
"""The share of the pace before at which it is back."""


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        for name, settings in (
            ("window of the workers", {}),
            ("widest window", {"HEADRACE_RELEASE_WINDOW": str(WIDEST)}),
        ):
            asyncio.run(_run(Lab(Path(folder) / name.replace(" ", "-"), HEADRACE, **settings), name, jobs))


async def _run(lab: Lab, name: str, jobs: int) -> None:
    async with lab:
        async with lab.submitter() as submitter:
            workers = await lab.ready_workers(submitter, 2)
            for worker in workers:
                worker.end()
            lab.forget()
            await submitter.submit(jobs, at_once=32)
        workers = [lab.start_worker() for _ in range(2)]
        await lab.expect(lambda: len({note.session for note in lab.notes("end")}) == len(workers), what="both work")
        await asyncio.sleep(BEFORE)  # how long is looked at
        removed = await asyncio.to_thread(_purge, lab)
        purged = time.time()
        await asyncio.sleep(AFTER)  # how long is looked at
        ended = Counter(int(note.at - purged + BEFORE) for note in lab.notes("end"))
    before = median(ended[second] for second in range(BEFORE - 4, BEFORE - 1))
    after = [ended[second] for second in range(BEFORE, BEFORE + AFTER - 1)]
    back = next((second for second, rate in enumerate(after) if rate >= BACK * before), None)
    print(  # noqa: T201  # the answer
        f"{name}: {removed} messages purged; {before:.0f} jobs/s before, then second by second {after};"
        f" back at {BACK:.0%} of the pace {'never' if back is None else f'within {back + 1} s'}",
        flush=True,
    )


def _purge(lab: Lab) -> str:
    """How many messages there were, in Celery's words."""
    command = HEADRACE.python("-m", "celery", "-A", "tasks", "purge", "-f")
    done = subprocess.run(  # noqa: S603  # our own
        command, env=lab.environment, cwd=ROOT, check=True, capture_output=True, text=True
    )
    return next((word for word in done.stdout.split() if word.isdigit()), "no")


if __name__ == "__main__":
    main()
