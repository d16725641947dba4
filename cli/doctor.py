"""`headrace doctor`: what is stuck and why, of the fleet or of one job."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from cli.errors import CommandFailed
from cli.reading import read_settings
from jobs.diagnosis import FleetReport, examine_fleet
from jobs.errors import JobNotFound, StoreUnavailable
from jobs.explanation import Explanation, explain
from jobs.files import FileStore
from jobs.fleet import Fleet
from jobs.redis_address import RedisAddress
from jobs.restoration import RestorationReport, examine_restored
from jobs.settings import Settings
from jobs.store import JobStore

T = TypeVar("T")

PATIENCE = timedelta(seconds=5)


def examine_copy(copied_at: datetime, *, as_json: bool) -> int:
    """The same of a Redis that was restored from a copy of that time: prints what became of each job; 0."""
    settings = read_settings()
    if fault := FileStore.fault(settings):
        raise CommandFailed(fault)
    report = _answered(_examine_copy(settings, copied_at), settings)
    print(report.model_dump_json(indent=2) if as_json else _describe_copy(report))  # noqa: T201  # the command's answer
    return 0


def examine(job_id: str | None, *, as_json: bool) -> int:
    """Prints what it found; returns 0 when all is well, 1 when something is wrong. Raises CommandFailed."""
    settings = read_settings()
    try:
        report = _answered(_examine(settings, job_id), settings)
    except JobNotFound as error:
        raise CommandFailed(str(error)) from None
    if as_json:
        print(report.model_dump_json(indent=2))  # noqa: T201  # the command's answer
    else:
        print(_describe(report))  # noqa: T201
    well = report.healthy if isinstance(report, FleetReport) else not report.wrong
    return 0 if well else 1


def _answered(question: Coroutine[Any, Any, T], settings: Settings) -> T:
    try:
        return asyncio.run(question)
    except StoreUnavailable as error:
        place = RedisAddress.of(settings).place
        why = f" ({error.__cause__})" if str(error.__cause__) else ""
        raise CommandFailed(f"Redis does not answer at {place}{why}. Is REDIS_URL right, and does Redis run?") from None


async def _examine_copy(settings: Settings, copied_at: datetime) -> RestorationReport:
    store = JobStore.open(settings, name="headrace-doctor", patience=PATIENCE)
    try:
        return await examine_restored(store.redis, FileStore.open(settings), copied_at=copied_at, patience=PATIENCE)
    finally:
        await store.aclose()


async def _examine(settings: Settings, job_id: str | None) -> FleetReport | Explanation:
    store = JobStore.open(settings, name="headrace-doctor", patience=PATIENCE)
    fleet = Fleet(store.redis, patience=PATIENCE)
    try:
        if job_id is None:
            return await examine_fleet(store.redis, fleet, patience=PATIENCE, redis_wait=settings.redis_wait)
        return await explain(job_id, store.redis, store, fleet, patience=PATIENCE)
    finally:
        await store.aclose()


def _describe(report: FleetReport | Explanation) -> str:
    return _describe_fleet(report) if isinstance(report, FleetReport) else _describe_job(report)


def _describe_fleet(report: FleetReport) -> str:
    redis = report.redis
    limit = f" of {_mib(redis.memory_limit_bytes)}" if redis.memory_limit_bytes else ""
    append_only = "on" if redis.append_only else "off"
    memory = f"{_mib(redis.memory_bytes)}{limit}"
    counts = (
        f"Running {report.running} (lease ended: {report.leases_ended}), scheduled {report.scheduled},"
        f" schedules {report.schedules.total} (paused: {report.schedules.paused}),"
        f" failed for good {report.dead}, messages lost and sent again {report.messages_lost}"
    )
    parts = [
        f"Redis {redis.version}, {memory}, {redis.clients} connections, AOF {append_only}, {redis.eviction}",
        _table(
            ("QUEUE", "WAITING", "HELD", "OLDEST"),
            [
                (queue.name, str(queue.queued), str(queue.held), _seconds(queue.oldest_seconds))
                for queue in report.queues
            ],
        ),
        _table(
            ("WORKER", "VERSION", "QUEUES", "RUNS"),
            [
                (worker.id, worker.version, ",".join(worker.queues), " ".join(worker.jobs) or "idle")
                for worker in report.workers
            ],
        )
        if report.workers
        else "No worker has reported within the last minute.",
        counts,
        "\n".join(
            f"{'WRONG' if finding.wrong else 'note '}  {finding.what}\n       {finding.remedy}"
            for finding in report.findings
        )
        or "Nothing is wrong.",
    ]
    return "\n\n".join(parts)


def _describe_copy(report: RestorationReport) -> str:
    counts = Counter(job.what for job in report.jobs)
    sums = ", ".join(f"{what} {counts[what]}" for what in ("gone", "repeated", "repaired", "unhurt"))
    parts = [
        f"Redis was restored from a copy of {report.copied_at:%Y-%m-%d %H:%M:%S} UTC.",
        _table(("JOB", "", ""), [(job.job_id, job.what, job.detail) for job in report.jobs]),
        f"In all: {sums}. Jobs made after the copy that had no file yet are gone as well, without a trace.",
    ]
    if report.more:
        parts.append("There are more unfinished jobs than were looked at.")
    return "\n\n".join(parts)


def _describe_job(explanation: Explanation) -> str:
    job = explanation.job
    rows = [(f"{item.at:%H:%M:%S}", item.event, item.detail) for item in explanation.happenings]
    return "\n\n".join(
        [
            f"Job {job.id} ({job.kind}): {job.state}, made {job.created_at:%Y-%m-%d %H:%M:%S} UTC",
            explanation.why,
            _table(("TIME", "EVENT", ""), rows),
        ]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
