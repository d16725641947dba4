"""What may be said of a job, whatever its kind; of all jobs of a batch, too; and of one that is alone."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from jobs.limits import MOST, ConcurrencyKey, OnLimit
from jobs.model import DedupKey, Usd, UserId
from jobs.priorities import DEFAULT_PRIORITY, PRIORITIES

MAX_START_DEADLINE = timedelta(days=30)
MAX_DELAY = timedelta(days=365)
MAX_DEDUP = timedelta(days=30)


def _written_out(value: object) -> object:
    """Numbers are no dates: nobody could tell seconds from milliseconds."""
    if isinstance(value, int | float):
        raise ValueError("must be a date and time with its offset from UTC, such as 2026-12-01T09:00:00+01:00")  # noqa: TRY004  # pydantic reports ValueError
    return value


def _within_reach(at: datetime) -> datetime:
    """By this machine's clock, which decides nothing else."""
    if at > datetime.now(UTC) + MAX_DELAY:
        raise ValueError(f"must be no later than in {MAX_DELAY.days} days")
    return at


RunAt = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_within_reach)]


class RunOptions(BaseModel):
    """How a job is run."""

    model_config = ConfigDict(extra="forbid")

    user_id: UserId | None = None
    priority: Annotated[
        int, Field(ge=PRIORITIES.start, lt=PRIORITIES.stop, description="0 is served first, 9 last")
    ] = DEFAULT_PRIORITY
    max_attempts: Annotated[
        int | None, Field(ge=1, le=100, description="Runs before it fails for good; null: as the deployment has it")
    ] = None
    start_deadline_seconds: Annotated[
        int | None,
        Field(
            ge=1,
            le=int(MAX_START_DEADLINE.total_seconds()),
            description="It expires if no worker has started it by then; null: as the deployment has it",
        ),
    ] = None
    max_cost: Annotated[
        Usd | None,
        Field(
            description="USD. Before a call that would pass it the job fails with `budget_exceeded`, its finished steps"
            " kept; null: no limit",
            examples=[2.5],
        ),
    ] = None
    time_limit_seconds: Annotated[
        int | None,
        Field(ge=1, description="Longest run of one attempt, no longer than its kind's; null: that of its kind"),
    ] = None
    retention_seconds: Annotated[
        int | None,
        Field(
            ge=1,
            description="It is kept so long when it has ended, no longer than the deployment has it; null: so long",
        ),
    ] = None


class Timing(BaseModel):
    """When a job is queued."""

    run_at: Annotated[
        RunAt | None,
        Field(
            description="It is `scheduled` until then, and queued from then on; one in the past: at once",
        ),
    ] = None
    delay_seconds: Annotated[
        int | None,
        Field(
            ge=0,
            le=int(MAX_DELAY.total_seconds()),
            description="The same, counted from now; one of the two can be given",
        ),
    ] = None

    @field_validator("delay_seconds")
    @classmethod
    def _one_date(cls, delay: int | None, info: ValidationInfo) -> int | None:
        if delay is not None and info.data.get("run_at") is not None:
            raise ValueError("cannot be given together with run_at")
        return delay


class BatchOptions(Timing, RunOptions):
    """What may be said of all jobs of a batch."""

    concurrency_key: Annotated[
        ConcurrencyKey | None,
        Field(description="As many jobs with this key run at once as `concurrency_limit` says; the others wait"),
    ] = None
    concurrency_limit: Annotated[int, Field(ge=1, le=MOST, description="Jobs with its concurrency_key at once")] = 1

    @field_validator("concurrency_limit")
    @classmethod
    def _of_a_concurrency_key(cls, value: int, info: ValidationInfo) -> int:
        if info.data.get("concurrency_key", "") is None:
            raise ValueError("needs a concurrency_key")
        return value


class JobOptions(BatchOptions):
    """What may be said of any job."""

    dedup_key: Annotated[
        DedupKey | None,
        Field(
            description="While a job of the same user with this key has not ended, no other is made: a request gets it,"
            " with 200",
        ),
    ] = None
    dedup_seconds: Annotated[
        int | None,
        Field(
            ge=1,
            le=int(MAX_DEDUP.total_seconds()),
            description="So long from when that job was made, whether it has ended or not; null: until it has ended",
        ),
    ] = None
    on_duplicate: Annotated[
        Literal["return", "reject"], Field(description="`reject`: the other request is a 409 instead")
    ] = "return"

    on_limit: Annotated[
        OnLimit,
        Field(
            description="While as many jobs with its concurrency key run as may: `queue` it, `reject` it with 409, or"
            " `cancel_running` the one that has run longest",
        ),
    ] = "queue"

    @field_validator("on_limit")
    @classmethod
    def _at_once(cls, value: OnLimit, info: ValidationInfo) -> OnLimit:
        if value != "queue" and (info.data.get("run_at") or info.data.get("delay_seconds")):
            raise ValueError("is decided when the job is made: it must be queue with run_at or delay_seconds")
        return value

    @field_validator("dedup_seconds", "on_duplicate")
    @classmethod
    def _of_a_key(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("dedup_key", "") is None:
            raise ValueError("needs a dedup_key")
        return value
