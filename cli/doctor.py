"""`headrace doctor`: what is stuck and why, of the fleet or of one job."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from cli.errors import CommandFailed
from cli.reading import read_settings
from jobs.diagnosis import FleetReport, examine_fleet
from jobs.errors import JobNotFound, StoreUnavailable
from jobs.explanation import Explanation, explain
from jobs.fleet import Fleet
from jobs.redis_address import RedisAddress
from jobs.settings import Settings
from jobs.store import JobStore

PATIENCE = timedelta(seconds=5)


def examine(job_id: str | None, *, as_json: bool) -> int:
    """Prints what it found; returns 0 when all is well, 1 when something is wrong. Raises CommandFailed."""
    settings = read_settings()
    try:
        report = asyncio.run(_examine(settings, job_id))
    except JobNotFound as error:
        raise CommandFailed(str(error)) from None
    except StoreUnavailable as error:
        place = RedisAddress.of(settings).place
        why = f" ({error.__cause__})" if str(error.__cause__) else ""
        raise CommandFailed(f"Redis does not answer at {place}{why}. Is REDIS_URL right, and does Redis run?") from None
    if as_json:
        print(report.model_dump_json(indent=2))  # noqa: T201  # the command's answer
    else:
        print(_describe(report))  # noqa: T201
    well = report.healthy if isinstance(report, FleetReport) else not report.wrong
    return 0 if well else 1


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
