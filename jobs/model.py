"""A job as clients see it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from jobs.states import Reason, State

UserId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z0-9._:@-]+$",
        description="Whose job it is",
        examples=["9a0a594c-2699-400b-89e0-4a4ef78ced97"],
    ),
]


DedupKey = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,128}$")]
"""Visible ASCII."""

Usd = Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=6)]
"""A budget."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class FileRef(Frozen):
    """A file of a job. `key` is where the file store has it, `name` what clients ask for."""

    name: str
    key: str
    content_type: str
    size: int = Field(description="Bytes")


class JobError(Frozen):
    """Why a job failed, or why its last attempt did."""

    reason: Reason
    message: str
    stage: str | None = Field(default=None, description="The step that failed")


class Progress(Frozen):
    fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    phase: str = ""
    detail: str = ""
    counts: dict[str, int] | None = Field(
        default=None, description="Of a job with many parts: `total`, and how many of them are in which condition"
    )


class Waiting(Frozen):
    """What an unfinished job waits for, since when, or until when.

    A queued one: `worker` (an idle one is about to take it), `worker_busy`, `fair_turn` (others are before it that came
    later), `no_worker`, `no_capable_worker`, `paused`, `concurrency_limit`, or `rate_limited` (the model that it asks
    first has no room before it would start). A scheduled one: `scheduled` (the time that its client gave), `retry` or
    `rate_limited`. A running one: `provider` or `rate_limited`.
    """

    on: str
    since: datetime | None = None
    until: datetime | None = None
    detail: str | None = Field(default=None, description="More about it, such as who paused what, and why")


class UsageItem(Frozen):
    """What was used of one model, calls that failed included."""

    provider: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    images: int = 0
    calls: int = 0
    cost: float | None = Field(default=0.0, description="USD; null when the price table has no price for the model")


class Reused(Frozen):
    """What a job did not have to pay for, because an earlier attempt, or the job that it retries, had saved it."""

    steps: int = 0
    cost: float | None = Field(default=0.0, description="USD; null when a price is not known")


class QueuePlace(Frozen):
    name: str
    position: int | None = Field(
        default=None, description="Jobs before it, in the order in which they will run; null unless it is queued"
    )
    position_is_approximate: bool = Field(
        default=False,
        description="It may not run now (it waits for `paused` or `concurrency_limit`): about so many would be before"
        " it if it might",
    )
    estimated_start_at: datetime | None = Field(
        default=None, description="By how long the last runs took; null where nothing is known to tell by"
    )


class Job(Frozen):
    id: str
    kind: str
    state: State
    state_reason: Reason | None = None
    user_id: str | None = None
    input: dict[str, Any]
    result: dict[str, Any] | None = None
    error: JobError | None = None
    progress: Progress
    waiting: Waiting | None = Field(default=None, description="Why it is not done yet; null when it is, or just runs")
    attempt: int = Field(description="Runs so far; an interrupted run does not count")
    max_attempts: int
    priority: int
    queue: QueuePlace
    worker: str | None = Field(default=None, description="The worker that runs it, or ran it last")
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    run_at: datetime | None = Field(default=None, description="It is not queued before; null: at once")
    retry_at: datetime | None = None
    deadline: datetime = Field(description="It expires if not started by then")
    usage: list[UsageItem] = []
    reused: Reused = Reused()
    max_cost: float | None = Field(default=None, description="USD; a call that would pass it is not made")
    time_limit_seconds: int | None = Field(
        default=None, description="Longest run of one attempt; null: as its kind has it"
    )
    retention_seconds: int | None = Field(
        default=None, description="It is kept so long when it has ended; null: as the deployment has it"
    )
    files: list[FileRef] = []
    dedup_key: str | None = Field(default=None, description="Another job of the same user with it is not made")
    concurrency_key: str | None = Field(default=None, description="As many jobs with it run at once as the next says")
    concurrency_limit: int | None = None
    batch: str | None = Field(default=None, description="The batch that it is one of")
    custom_id: str | None = Field(default=None, description="What the client calls it within its batch")
    schedule: str | None = Field(default=None, description="The schedule that made it")
    retry_of: str | None = Field(default=None, description="The job that this one retries")
    retried_as: str | None = Field(
        default=None, description="The job that retries this one as a whole, not from a step"
    )
