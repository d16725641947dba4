"""A job as the API shows it, and the headers that go with it."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Self
from urllib.parse import quote

from fastapi import Request, Response, status
from pydantic import Field
from pydantic_core import to_json

from jobs.batches import Batch, Outcome
from jobs.model import FileRef, Frozen, Job, Progress, QueuePlace, Waiting
from jobs.new_job import NewJob
from jobs.states import FINAL, State

POLL_AFTER = 2
"""Seconds until it is worth asking again for a job that waits or runs."""


class FileBody(FileRef):
    url: str = Field(
        description="Where to fetch it", examples=["/jobs/0f8fad5b-d9cb-469f-a165-70867728950e/files/book.pdf"]
    )


class Urls(Frozen):
    self: str
    events: str
    cancel: str
    retry: str


class JobBody(Job):
    """A job, with the URLs of what can be done with it."""

    files: list[FileBody] = Field(default_factory=list[FileBody])  # pyright: ignore[reportIncompatibleVariableOverride]  # frozen: nobody appends a bare FileRef
    urls: Urls


class BatchUrls(Frozen):
    self: str
    events: str
    results: str
    cancel: str

    @classmethod
    def of(cls, batch_id: str) -> Self:
        url = f"/batches/{batch_id}"
        return cls(self=url, events=f"{url}/events", results=f"{url}/results", cancel=f"{url}/cancel")


class BatchBody(Batch):
    """A batch, with the URLs of what can be done with it."""

    urls: BatchUrls


class OutcomeBody(Outcome):
    """One line of a batch's results."""

    files: list[FileBody] = Field(default_factory=list[FileBody])  # pyright: ignore[reportIncompatibleVariableOverride]  # as in JobBody
    url: str = Field(description="The job")


class JobPage(Frozen):
    jobs: Sequence[JobBody]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last one")


def job_url(job_id: str) -> str:
    return f"/jobs/{job_id}"


def urls(job_id: str) -> dict[str, str]:
    """The fields of `Urls`."""
    url = job_url(job_id)
    return {"self": url, "events": f"{url}/events", "cancel": f"{url}/cancel", "retry": f"{url}/retry"}


def _files(job_id: str, files: Sequence[FileRef]) -> list[FileBody]:
    return [FileBody(**dict(file), url=f"{job_url(job_id)}/files/{quote(file.name)}") for file in files]


def batch_body(batch: Batch) -> BatchBody:
    return BatchBody(**dict(batch), urls=BatchUrls.of(batch.id))


def outcome_body(outcome: Outcome) -> OutcomeBody:
    fields: dict[str, Any] = {
        **dict(outcome),
        "files": _files(outcome.job_id, outcome.files),
        "url": job_url(outcome.job_id),
    }
    return OutcomeBody.model_construct(**fields)


def job_body(job: Job) -> JobBody:
    fields: dict[str, Any] = {**dict(job), "files": _files(job.id, job.files), "urls": Urls(**urls(job.id))}
    # Not validated again: it comes from a Job that was.
    return JobBody.model_construct(**fields)


def job_response(job: Job, *, status_code: int = status.HTTP_200_OK, headers: dict[str, str] | None = None) -> Response:
    """The job as JSON; while it is not final, with the time after which to ask again."""
    return Response(
        job_in_json(job),
        status_code=status_code,
        headers=(headers or {}) | _poll_again(job),
        media_type="application/json",
    )


def job_in_json(job: Job) -> bytes:
    """What `job_body(job)` is in JSON, without making that first, which takes as long as all else here."""
    cost = None if job.max_cost is None else float(job.max_cost)
    return to_json({**vars(job), "max_cost": cost, "files": _files(job.id, job.files), "urls": urls(job.id)})


def _poll_again(job: Job) -> dict[str, str]:
    if job.state in FINAL:
        return {}
    due = job.run_at if job.state is State.SCHEDULED else None
    return {"Retry-After": str(_poll_after(job.retry_at or due))}


_EPOCH = datetime.fromtimestamp(0, tz=UTC)
_BLANK = job_body(
    Job(
        id="",
        kind="",
        state=State.QUEUED,
        input={},
        progress=Progress(),
        attempt=0,
        max_attempts=1,
        priority=0,
        queue=QueuePlace(name=""),
        created_at=_EPOCH,
        deadline=_EPOCH,
    )
).model_dump(mode="json")
"""A queued job before anything is known of it."""


def just_accepted(job_id: str, new: NewJob, created_at: datetime, waiting: Waiting | None) -> Response:
    """202 for a job stored a moment ago, without reading it back. Says what `GET` says, but for the place in line."""
    due = new.due(created_at)
    scheduled = {"on": "scheduled", "since": None, "until": due, "detail": None}
    body = to_json(
        {
            **_BLANK,
            "id": job_id,
            "kind": new.kind.name,
            "state": State.SCHEDULED if due else State.QUEUED,
            "user_id": new.user_id,
            "input": new.input,
            "waiting": scheduled if due else waiting and waiting.model_dump(),
            "max_attempts": new.max_attempts,
            "priority": new.priority,
            "queue": {
                "name": new.kind.queue,
                "position": None,
                "position_is_approximate": False,
                "estimated_start_at": None,
            },
            "max_cost": None if new.max_cost is None else float(new.max_cost),
            "created_at": created_at,
            "time_limit_seconds": _seconds(new.time_limit),
            "retention_seconds": _seconds(new.retention),
            "concurrency_key": new.concurrency.key if new.concurrency else None,
            "concurrency_limit": new.concurrency.limit if new.concurrency else None,
            "dedup_key": new.dedup.key if new.dedup else None,
            "run_at": due,
            "deadline": (due or created_at) + (new.start_deadline or timedelta(0)),
            "urls": urls(job_id),
        }
    )
    headers = {"Location": job_url(job_id), "Retry-After": str(_poll_after(due))}
    return Response(body, status_code=status.HTTP_202_ACCEPTED, headers=headers, media_type="application/json")


def accepted(job: Job, *, replayed: bool) -> Response:
    """202: the job was taken on, now or by an earlier request."""
    headers = {"Location": job_url(job.id)}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return job_response(job, status_code=status.HTTP_202_ACCEPTED, headers=headers)


def unless_known(request: Request, job: Job) -> Response:
    """The job as JSON, with an ETag; 304 without a body when the client has that already."""
    body = job_in_json(job)
    headers = {"ETag": etag_of(body), **_poll_again(job)}
    if matches(request, headers["ETag"]):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def etag_of(content: bytes) -> str:
    return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def matches(request: Request, etag: str) -> bool:
    """Whether If-None-Match names `etag`, by the weak comparison that it asks for."""
    named = request.headers.get("if-none-match")
    if named is None:
        return False
    known = [tag.strip().removeprefix("W/") for tag in named.split(",")]
    return etag in known or "*" in known


def _poll_after(due: datetime | None) -> int:
    """Seconds until it is worth asking again for a job that is not queued before `due`."""
    return max(1, ceil((due - datetime.now(tz=UTC)).total_seconds())) if due else POLL_AFTER


def _seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else int(duration.total_seconds())
