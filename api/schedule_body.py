"""The body that asks for a schedule."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, create_model, field_validator

from api.submission import KindName
from jobs.options import MAX_DELAY, RunOptions
from jobs.recurrence import Recurrence, check_cron, check_time_zone
from jobs.schedules import Overlap, Schedule

LEAST_INTERVAL = 10
"""Seconds: a few sweeps, which make the jobs."""


class NewScheduleBody(RunOptions):
    """A job that is made again and again: by `cron` or at an interval."""

    kind: KindName
    input: Annotated[
        dict[str, Any],
        Field(
            description="What the kind asks for, see `GET /kinds`",
            examples=[{"title": "My Story", "prompt": "A magical adventure"}],
        ),
    ]
    cron: Annotated[
        Annotated[str, Field(max_length=100), AfterValidator(check_cron)] | None,
        Field(
            description="Minute, hour, day of the month, month, day of the week; as Debian's cron reads it",
            examples=["0 9 * * MON-FRI"],
        ),
    ] = None
    time_zone: Annotated[
        str,
        Field(max_length=64, description="Of `cron`; a name of the IANA database", examples=["Europe/Berlin"]),
        AfterValidator(check_time_zone),
    ] = "UTC"
    interval_seconds: Annotated[
        int | None,
        Field(
            ge=LEAST_INTERVAL,
            le=int(MAX_DELAY.total_seconds()),
            description="In place of `cron`; the first run comes after one interval",
        ),
    ] = None
    overlap: Annotated[
        Overlap,
        Field(
            description="While the job of the run before has not ended, the next one is left out (`skip`), made all the"
            " same (`queue`), or takes its place (`cancel_running`)"
        ),
    ] = Overlap.SKIP

    @field_validator("interval_seconds")
    @classmethod
    def _one_of_two(cls, interval: int | None, info: ValidationInfo) -> int | None:
        if interval is not None and info.data.get("cron") is not None:
            raise ValueError("cannot be given together with cron")
        return interval

    def recurrence(self) -> Recurrence:
        if self.interval_seconds is not None:
            return Recurrence(interval=timedelta(seconds=self.interval_seconds))
        return Recurrence(cron=self.cron, time_zone=self.time_zone)


_FIXED = {"kind", "user_id"}


def _changes() -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (field.rebuild_annotation() | None, Field(default=None, description=field.description))
        for name, field in NewScheduleBody.model_fields.items()
        if name not in _FIXED
    }
    summary = "What is to be otherwise of a schedule. What is not said stays; null: as if it had never been said."
    return create_model("ScheduleChanges", __config__=ConfigDict(extra="forbid"), __doc__=summary, **fields)


SCHEDULE_CHANGES = _changes()
"""All of NewScheduleBody but the kind and the user."""


def changed(schedule: Schedule, changes: BaseModel) -> NewScheduleBody:
    """What would have to be asked for to get the schedule with these changes. Raises ValidationError."""
    said = changes.model_dump(mode="json", exclude_unset=True)
    now = schedule.model_dump(mode="json", include=set(NewScheduleBody.model_fields), exclude_none=True)
    if said.get("cron") is not None:
        now.pop("interval_seconds", None)
    if said.get("interval_seconds") is not None:
        now.pop("cron", None)
    if said.get("concurrency_key", "") is None:
        now.pop("concurrency_limit", None)
    return NewScheduleBody.model_validate(now | said)
