"""From the flat strings of the job hash to a Job, and back."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from pydantic import TypeAdapter

from jobs.model import FileRef, Job, JobError, Progress, QueuePlace, Reused, Waiting
from jobs.prices import to_usd
from jobs.record import JobRecord
from jobs.states import Reason, State
from jobs.usage import used

_FILES = TypeAdapter(list[FileRef])
_NO_PROGRESS, _NOTHING_REUSED = Progress(), Reused()
_EPOCH = datetime.fromtimestamp(0, tz=UTC)


def to_datetime(ms: str | float) -> datetime:
    return datetime.fromtimestamp(float(ms) / 1000, tz=UTC)


def to_ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def to_job(
    record: JobRecord,
    *,
    place: QueuePlace | None = None,
    waiting: Waiting | None = None,
) -> Job:
    """The job of a whole `hr:job:{id}` hash. If it is queued: its place in the queue, and what it waits for."""
    reason = record["state_reason"]
    return Job(
        id=record["id"],
        kind=record["kind"],
        state=State.read(record["state"]),
        state_reason=Reason(reason) if reason else None,
        user_id=record["user_id"] or None,
        input=json.loads(record["input"]),
        result=json.loads(record["result"]) if "result" in record else None,
        error=JobError.model_validate_json(record["error"]) if "error" in record else None,
        progress=Progress.model_validate_json(record["progress"]) if "progress" in record else _NO_PROGRESS,
        waiting=waiting or _waiting(record),
        attempt=int(record["attempt"]),
        max_attempts=int(record["max_attempts"]),
        priority=int(record["priority"]),
        queue=place or QueuePlace(name=record["queue"]),
        worker=record.get("worker"),
        created_at=to_datetime(record["created_at"]),
        started_at=_date(record, "started_at"),
        finished_at=_date(record, "finished_at"),
        run_at=_date(record, "run_at"),
        retry_at=_date(record, "retry_at"),
        deadline=to_datetime(record["deadline"]),
        usage=used(cast("Mapping[str, str]", record)),
        reused=Reused.model_validate_json(record["reused"]) if "reused" in record else _NOTHING_REUSED,
        max_cost=to_usd(int(record["max_cost"])) if record.get("max_cost") else None,
        time_limit_seconds=_number(record.get("time_limit")),
        retention_seconds=_number(record.get("retention")),
        files=_FILES.validate_json(record.get("files", "[]")),
        dedup_key=record.get("dedup_key"),
        concurrency_key=record.get("concurrency_key"),
        concurrency_limit=int(record["concurrency_limit"]) if "concurrency_limit" in record else None,
        batch=record.get("batch"),
        custom_id=record.get("custom_id"),
        schedule=record.get("schedule"),
        retry_of=record.get("retry_of") or None,
        retried_as=record.get("retried_as"),
    )


def _waiting(record: JobRecord) -> Waiting | None:
    match State.read(record["state"]):
        case State.QUEUED | State.SCHEDULED if record["state_reason"] == Reason.NO_CAPABLE_WORKER:
            return Waiting(
                on=Reason.NO_CAPABLE_WORKER, since=_date(record, "incapable_since"), until=_date(record, "retry_at")
            )
        case State.QUEUED:
            return Waiting(on="worker", since=_date(record, "queued_at") or to_datetime(record["created_at"]))
        case State.SCHEDULED if "started_at" not in record:
            return Waiting(on="scheduled", until=_date(record, "run_at"))
        case State.SCHEDULED:
            limited = record["state_reason"] == Reason.RATE_LIMITED
            return Waiting(on=Reason.RATE_LIMITED if limited else "retry", until=_date(record, "retry_at"))
        case State.RUNNING if "waiting_for" in record:
            return Waiting(
                on=record["waiting_for"], since=_date(record, "waiting_since"), until=_date(record, "waiting_until")
            )
        case _:
            return None


_Date = Literal[
    "queued_at", "started_at", "finished_at", "run_at", "retry_at", "waiting_since", "waiting_until", "incapable_since"
]


def _date(record: JobRecord, field: _Date) -> datetime | None:
    ms = record.get(field)
    return to_datetime(ms) if ms else None


def _number(text: str | None) -> int | None:
    return int(text) if text else None
