"""Many jobs under a random mix of faults: `python -m tests.chaos.random_run --jobs 200 --faults 300 [--seed N]`.

The seed is printed; with it, the same faults come in the same order. Exits with 1 when a promise was broken.
"""

import argparse
import asyncio
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx
import redis

from tests.chaos.fleet import Fleet
from tests.chaos.mischief import FAULTS
from tests.chaos.oracle import Verdict, judge, left_behind
from tests.support.counting_provider import Call
from tests.support.processes import complete_lines
from tests.support.waiting import pause, wait_until

BACKLOG = 8
"""Jobs that wait or run at any time, at least, until all are posted."""
SETTLE = 150.0
"""Seconds after the last fault until everything must be done. Kombu gives back what a dead worker held after 60 s."""


@dataclass(frozen=True)
class Recovery:
    """Seconds from the last sign of life of a run that was cut short."""

    queued: float
    """Until the job was in the queue again: what the platform promises."""
    running: float
    """Until it ran again: with as many faults as workers, that takes until one is free."""


@dataclass
class Report:
    """What a run was and did."""

    seed: int
    jobs: int
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter[str])
    recoveries: list[Recovery] = field(default_factory=list[Recovery])
    replaced: dict[int, int] = field(default_factory=dict[int, int])
    verdict: Verdict = field(default_factory=Verdict)

    def __str__(self) -> str:
        verdict = self.verdict
        lines = [
            f"seed {self.seed}: {self.jobs} jobs, {self.faults.total()} faults in {self.seconds:.0f} s",
            "  faults      " + ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items())),
            "  ended       " + ", ".join(f"{state} {count}" for state, count in sorted(verdict.finals.items())),
            f"  provider    {verdict.calls} calls answered for {verdict.steps_saved} saved steps",
            f"              {verdict.calls_unsaved} of them cut off by a fault before they were saved",
            f"  recovery    {len(self.recoveries)} runs cut short; from their last sign of life",
            f"              until the job was queued again {_spread([each.queued for each in self.recoveries])}",
            f"              until it ran again             {_spread([each.running for each in self.recoveries])}",
            "  workers     replaced, by exit status: " + str(dict(sorted(self.replaced.items()))),
            f"  broken      {len(verdict.faults)} promises",
        ]
        return "\n".join(lines + [f"    {fault}" for fault in verdict.faults])


def _spread(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return ", ".join(f"{each:.1f} s" for each in seconds) or "-"
    return f"p50 {median(seconds):.1f} s, p95 {quantiles(seconds, n=20)[-1]:.1f} s, at most {max(seconds):.1f} s"


async def run(
    folder: Path, *, jobs: int, faults: int, seed: int, workers: int, settings: Mapping[str, str] | None = None
) -> Report:
    """Posts the jobs, puts the faults, waits until all is done, and judges."""
    # Three sources, so that how long a request takes does not change which fault comes next.
    what, posts, when = (random.Random(f"{seed} {part}") for part in ("faults", "posts", "pauses"))  # noqa: S311  # to be repeated
    report = Report(seed=seed, jobs=jobs)
    fleet = Fleet(folder, workers=workers, call_seconds=0.4, settings=settings or {})
    started = time.monotonic()
    try:
        await fleet.start()
        replacing = asyncio.create_task(fleet.replace_the_dead())
        posting = asyncio.create_task(_post(fleet, jobs, posts))
        for fault in what.choices(FAULTS, [fault.weight for fault in FAULTS], k=faults):
            await fault.put(fleet, what)
            report.faults[fault.name] += 1
            await pause(when.uniform(0.1, 0.8))
        await posting
        everything = await _until_done(fleet)
        replacing.cancel()
        calls = [Call.model_validate_json(line) for line in complete_lines(fleet.provider.ledger)]
        report.verdict = judge(everything, calls, cancelled=frozenset(fleet.cancelled))
        report.verdict.faults += [f"{job}: accepted, and lost" for job in set(fleet.accepted) - everything.keys()]
        report.verdict.faults += await _until_clean(fleet)
        report.recoveries = _recoveries(everything)
    finally:
        report.replaced = fleet.replaced
        report.seconds = time.monotonic() - started
        await fleet.stop()
    return report


async def _post(fleet: Fleet, jobs: int, chance: random.Random) -> None:
    for _ in range(jobs):
        job_id = await fleet.post(pages=chance.randint(4, 6))
        if chance.random() < 0.03:
            with suppress(httpx.TransportError):
                await fleet.cancel(job_id)
        await wait_until(lambda: _backlog(fleet) < BACKLOG, within=SETTLE, what="jobs are being done")


def _backlog(fleet: Fleet) -> int:
    with suppress(redis.RedisError):
        return sum(
            int(str(fleet.redis.zcard(f"hr:index:state:{state}"))) for state in ("queued", "running", "scheduled")
        )
    return BACKLOG


async def _until_done(fleet: Fleet) -> dict[str, Sequence[Mapping[str, Any]]]:
    """The events of every job, once none is unfinished."""
    with suppress(AssertionError):
        # Whatever is unfinished then is for the oracle to name.
        await wait_until(lambda: _backlog(fleet) == 0, within=SETTLE, what="every job is done")
    return {job_id: await fleet.platform.events(job_id) for job_id in await fleet.all_jobs()}


async def _until_clean(fleet: Fleet) -> list[str]:
    """What is still left in Redis when everything had time to go."""
    raw = redis.Redis.from_url(fleet.platform.redis.url)
    with raw, suppress(AssertionError):
        await wait_until(lambda: not left_behind(raw), within=SETTLE, what="nothing is left behind")
    with raw:
        return left_behind(raw)


def _recoveries(everything: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Recovery]:
    """What became of each run that was cut short, counted from its last sign of life."""
    found: list[Recovery] = []
    for events in everything.values():
        signs = [(event["event"], datetime.fromisoformat(event["at"]), event["data"].get("reason")) for event in events]
        for before, (event, queued_at, reason), after in zip(signs, signs[1:], signs[2:], strict=False):
            if event == "queued" and reason in ("worker_lost", "interrupted") and after[0] == "running":
                found.append(Recovery((queued_at - before[1]).total_seconds(), (after[1] - before[1]).total_seconds()))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--faults", type=int, default=300)
    # More than are usually held by a fault, so that a free worker shows how soon a job runs again.
    parser.add_argument("--workers", type=int, default=5)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="headrace-chaos-"))
    print(f"seed {options.seed}; logs in {folder}; started {datetime.now(UTC):%X}", flush=True)  # noqa: T201  # a command
    report = asyncio.run(
        run(folder, jobs=options.jobs, faults=options.faults, seed=options.seed, workers=options.workers)
    )
    print(report)  # noqa: T201
    return 1 if report.verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
