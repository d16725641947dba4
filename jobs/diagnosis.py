"""What is stuck in the fleet, and what endangers its data: read from Redis alone, by its own clock."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pydantic import Field
from redis.asyncio import Redis

from jobs import keys, kinds
from jobs.connection import answered
from jobs.finding import Finding, wrong
from jobs.fleet import Fleet, Queue, Schedules, WorkerReport
from jobs.job_findings import find_in_jobs
from jobs.kind import Kind
from jobs.model import Frozen
from jobs.pauses import Pause
from jobs.strikes import Strike

OLDEST_REDIS = (6, 2)
OVERDUE = 15.0
"""Seconds after which somebody should have taken care: several sweeps, and a message's grace."""
SLOW_WAIT = 60.0
"""Seconds that a job may wait for a worker while all are busy before it is worth a word."""
NEARLY_FULL = 0.9


class RedisReport(Frozen):
    version: str
    memory_bytes: int
    memory_limit_bytes: int = Field(description="0: none")
    eviction: str = Field(description="maxmemory-policy")
    append_only: bool
    last_save_failed: bool
    clients: int
    replicas: int = Field(default=0, description="That are connected and in step")

    def findings(self) -> list[Finding]:
        found: list[Finding] = []
        if tuple(int(part) for part in self.version.split(".")[:2]) < OLDEST_REDIS:
            found.append(wrong(f"Redis {self.version} is too old.", "Headrace needs Redis 6.2 or newer."))
        if self.eviction != "noeviction":
            evicts = f"Redis may throw jobs away when it is full (maxmemory-policy {self.eviction})."
            remedy = "Set maxmemory-policy to noeviction."
            found.append(Finding(wrong=self.memory_limit_bytes > 0, what=evicts, remedy=remedy))
        if not self.append_only:
            found.append(
                wrong("Redis forgets accepted jobs when it restarts (appendonly no).", "Set appendonly to yes.")
            )
        if self.last_save_failed:
            found.append(wrong("Redis could not save to its disk.", "Look into the log of Redis; is the disk full?"))
        if self.memory_limit_bytes and self.memory_bytes > NEARLY_FULL * self.memory_limit_bytes:
            share = self.memory_bytes / self.memory_limit_bytes
            found.append(
                wrong(
                    f"Redis is {share:.0%} full; at 100 % it takes no more jobs.",
                    "Give it more memory, or lower HEADRACE_RETENTION.",
                )
            )
        return found


class FleetReport(Frozen):
    """Counts are of jobs, but for `messages_lost`, which counts messages since the counters began."""

    redis: RedisReport
    queues: list[Queue]
    paused_kinds: dict[str, Pause]
    strikes: list[Strike]
    workers: list[WorkerReport]
    running: int
    leases_ended: int
    longest_ended_seconds: float | None
    scheduled: int
    longest_overdue_seconds: float | None = Field(description="Of the scheduled jobs that are due")
    dead: int
    messages_lost: int
    schedules: Schedules = Schedules()
    findings: Sequence[Finding] = ()

    @property
    def healthy(self) -> bool:
        return not any(finding.wrong for finding in self.findings)


async def examine_fleet(redis: Redis, fleet: Fleet, *, patience: timedelta, redis_wait: int = 0) -> FleetReport:
    """`redis_wait` is how many replicas writes are to be confirmed by. Raises StoreUnavailable."""
    async with answered(patience):
        info = await redis.info()
        seconds, micros = await redis.time()
        now = seconds * 1000 + micros // 1000
        async with redis.pipeline(transaction=False) as pipe:
            for key in (keys.LEASES, keys.SCHEDULED):
                pipe.zcard(key)
                pipe.zcount(key, "-inf", now)
                pipe.zrange(key, 0, 0, withscores=True)
            pipe.zcard(keys.DEAD)
            pipe.hget(keys.STATS, "messages_lost")
            running, ended, first_lease, scheduled, _, first_retry, dead, messages_lost = await pipe.execute()
    report = FleetReport(
        redis=_redis_report(info),
        queues=await fleet.queues(),
        paused_kinds=await fleet.paused_kinds(),
        strikes=await fleet.strikes(),
        workers=await fleet.workers(),
        running=running,
        leases_ended=ended,
        longest_ended_seconds=_overdue(first_lease, now),
        scheduled=scheduled,
        longest_overdue_seconds=_overdue(first_retry, now),
        dead=dead,
        messages_lost=int(messages_lost or 0),
        schedules=await fleet.schedules(),
    )
    in_jobs = await find_in_jobs(redis, now=now, patience=patience)
    return report.model_copy(
        update={
            "findings": [
                *report.redis.findings(),
                *_unconfirmed(report.redis, redis_wait),
                *kind_findings(),
                *_stuck(report),
                *in_jobs,
            ]
        }
    )


def _unconfirmed(redis: RedisReport, wanted: int) -> list[Finding]:
    if redis.replicas >= wanted:
        return []
    return [
        wrong(
            f"HEADRACE_REDIS_WAIT asks for {wanted} replicas, Redis has {redis.replicas} in step: no job is accepted.",
            "Look into the log of the missing ones, or lower HEADRACE_REDIS_WAIT and start API and workers anew.",
        )
    ]


def kind_findings() -> list[Finding]:
    """What is wrong with the kinds that are announced on this machine."""
    loaded = "Mend it, or uninstall what announces it; until then no worker and no API starts here."
    missing = "Install what its pipeline is in; until then no worker starts here."
    return [
        *(wrong(f"A kind cannot be loaded here: {fault}.", loaded) for fault in kinds.faults()),
        *(
            wrong(f"A pipeline is missing here: {lack}.", missing)
            for lack in map(Kind.missing_pipeline, kinds.usable())
            if lack
        ),
    ]


def _stuck(report: FleetReport) -> list[Finding]:
    found = _paused(report) + [_struck(strike) for strike in report.strikes]
    found += [finding for queue in report.queues if (finding := _stuck_queue(queue, report.workers))]
    if (ended := report.longest_ended_seconds) and ended > OVERDUE:
        found.append(
            wrong(
                f"Jobs that lost their worker: {report.leases_ended}, the first {ended:.0f} s ago. Nobody took over.",
                "The workers' sweep does that: start a worker, or look into the log of one.",
            )
        )
    if (due := report.longest_overdue_seconds) and due > OVERDUE:
        found.append(
            wrong(
                f"A scheduled job is overdue by {due:.0f} s.",
                "The workers' sweep queues what is due: start a worker, or look into the log of one.",
            )
        )
    if (late := report.schedules.longest_late_seconds) > OVERDUE:
        found.append(
            wrong(
                f"Schedules whose job was not made at its time: {report.schedules.late}, the first {late:.0f} s ago.",
                "The workers' sweep makes them: start a worker, or look into the log of one.",
            )
        )
    if report.dead:
        found.append(
            Finding(
                wrong=False,
                what=f"Jobs that failed for good: {report.dead}.",
                remedy="GET /jobs?state=failed lists them; POST /jobs/{id}/retry runs one again from its saved steps.",
            )
        )
    return found


def _paused(report: FleetReport) -> list[Finding]:
    pauses = [(f"Queue {queue.name}", f"queues/{queue.name}", queue.paused) for queue in report.queues if queue.paused]
    pauses += [(f"Kind {kind}", f"kinds/{kind}", pause) for kind, pause in report.paused_kinds.items()]
    return [
        Finding(
            wrong=False,
            what=f"{what} is paused since {pause.at:%Y-%m-%d %H:%M:%S} UTC by {pause.by}: {pause.why}",
            remedy=f"POST /{path}/resume lets it go on.",
        )
        for what, path, pause in pauses
    ]


def _struck(strike: Strike) -> Finding:
    new = "are refused" if strike.new == "reject" else "wait"
    return Finding(
        wrong=False,
        what=f"{strike.what.title()} {strike.name} is struck since {strike.at:%Y-%m-%d %H:%M:%S} UTC by {strike.by}:"
        f" {strike.why}. New jobs {new}.",
        remedy=f"DELETE /strikes/{strike.what}/{strike.name} lifts it.",
    )


def _stuck_queue(queue: Queue, workers: list[WorkerReport]) -> Finding | None:
    if queue.oldest_seconds is None:
        return None
    ours = [worker for worker in workers if queue.name in worker.queues]
    waits = f"Queue {queue.name} has {queue.queued - queue.held} waiting, the oldest for {queue.oldest_seconds:.0f} s"
    if not ours:
        return wrong(f"{waits}, and no worker.", "Start one: celery -A tasks worker, or headrace drain.")
    if any(not worker.jobs for worker in ours):
        if queue.oldest_seconds <= OVERDUE:
            return None
        return wrong(f"{waits}, although a worker is idle.", "Look into that worker's log, and restart it.")
    if queue.oldest_seconds <= SLOW_WAIT:
        return None
    busy = "its worker is" if len(ours) == 1 else f"all its {len(ours)} workers are"
    return Finding(wrong=False, what=f"{waits}: {busy} busy.", remedy="More workers would shorten that.")


def _redis_report(info: dict[str, Any]) -> RedisReport:
    saved = [info.get(name, "ok") for name in ("aof_last_write_status", "rdb_last_bgsave_status")]
    return RedisReport(
        version=info["redis_version"],
        memory_bytes=info["used_memory"],
        memory_limit_bytes=info.get("maxmemory", 0),
        eviction=info.get("maxmemory_policy", "unknown"),
        append_only=bool(info.get("aof_enabled", 0)),
        last_save_failed=any(status != "ok" for status in saved),
        clients=info["connected_clients"],
        replicas=sum(
            info[f"slave{number}"].get("state") == "online" for number in range(info.get("connected_slaves", 0))
        ),
    )


def _overdue(first: list[tuple[str, float]], now: int) -> float | None:
    """How many seconds ago the first of a zset by time was due; None when it is yet to come."""
    return (now - first[0][1]) / 1000 if first and first[0][1] <= now else None
