"""What can go wrong between a request and the record, with the HTTP status each means.

HeadraceError
├── JobNotFound           404
├── BatchNotFound         404
├── ScheduleNotFound      404
├── UnknownKind           404
├── FileNotFound          404
├── NotRetryable          409   the job has not ended, or completed and no step was named
├── DuplicateJob          409   there is a job with the same dedup_key
├── ConcurrencyLimit      409   as many jobs with the same concurrency_key run as may
├── TooManySchedules      409   its user has as many schedules as may be
├── ScheduleBusy          409   the job of the run before has not ended, and the schedule leaves runs out meanwhile
├── LeaseLost             409   another worker, a cancel or a limit came first (seen by workers only)
├── EventsGone            410   the events asked for are no longer kept, or never were
├── UnknownStep           422   the job has saved no step of that name
├── IdempotencyConflict   422   same key, other request
├── TooManyStreams        503   this process follows as many events as it may
└── StoreUnavailable      503   Redis is away, read-only or full
"""

from datetime import timedelta
from typing import Self


class HeadraceError(Exception):
    """An error with a place in the API: `status`, `title` and `retry_after` are what a client sees."""

    status = 500
    title = "Internal error"
    retry_after: timedelta | None = None
    """When it is worth asking again; None: never, unless something else is changed."""


class JobNotFound(HeadraceError):
    status = 404
    title = "No such job"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"No job has the id {job_id!r}. Finished jobs are kept for the retention time only.")


class BatchNotFound(HeadraceError):
    status = 404
    title = "No such batch"

    def __init__(self, batch_id: str) -> None:
        super().__init__(f"No batch has the id {batch_id!r}. Finished batches are kept for the retention time only.")


class ScheduleNotFound(HeadraceError):
    status = 404
    title = "No such schedule"

    def __init__(self, schedule_id: str) -> None:
        super().__init__(f"No schedule has the id {schedule_id!r}. GET /schedules lists those there are.")


class UnknownKind(HeadraceError):
    status = 404
    title = "No such kind of job"

    def __init__(self, kind: str, known: list[str]) -> None:
        super().__init__(f"kind: {kind!r} is not a kind of job here. Known kinds: {', '.join(known)}.")


class FileNotFound(HeadraceError):
    status = 404
    title = "No such file"

    def __init__(self, job_id: str, name: str) -> None:
        super().__init__(f"Job {job_id} has no file {name!r}. Its `files` field lists the names.")


class NotRetryable(HeadraceError):
    status = 409
    title = "Not retryable"

    def __init__(self, job_id: str, state: str) -> None:
        remedy = (
            "Name the step to make anew in `from_step`."
            if state == "completed"
            else "A job can be retried once it has ended; cancel it first."
        )
        super().__init__(f"Job {job_id} is {state}. {remedy}")


class DuplicateJob(HeadraceError):
    status = 409
    title = "Duplicate job"

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"dedup_key: job {job_id} has it already. Look at that one, or leave on_duplicate out to get it."
        )


class ConcurrencyLimit(HeadraceError):
    status = 409
    title = "Concurrency limit"

    def __init__(self, key: str, job_id: str) -> None:
        super().__init__(
            f"concurrency_key: as many jobs with {key!r} run, or are about to, as may: {job_id} is one."
            " Wait for its end, or leave on_limit out to have this one wait."
        )


class TooManySchedules(HeadraceError):
    status = 409
    title = "Too many schedules"

    def __init__(self, user_id: str | None, most: int) -> None:
        whose = f"user_id: {user_id} has" if user_id else "user_id: without one, there are"
        super().__init__(
            f"{whose} {most} schedules, as many as HEADRACE_MAX_SCHEDULES_PER_USER allows. Delete one, or raise it."
        )


class ScheduleBusy(HeadraceError):
    status = 409
    title = "Schedule busy"

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"overlap: job {job_id} of the run before has not ended, and this schedule skips runs until it has."
            " Wait for it, cancel it, or change `overlap`."
        )


class LeaseLost(HeadraceError):
    status = 409
    title = "Lease lost"

    def __init__(self, job_id: str, state: str) -> None:
        super().__init__(f"Job {job_id} is {state} and no longer this worker's.")
        self.state = state


class EventsGone(HeadraceError):
    status = 410
    title = "Events no longer kept"

    def __init__(self, whose: str, remedy: str) -> None:
        super().__init__(f"Of {whose} {remedy}; start there, or without an id.")

    @classmethod
    def before(cls, whose: str, first: int) -> Self:
        """They were there, but those before number `first` are not kept."""
        return cls(whose, f"the events are kept from number {first} on")

    @classmethod
    def after(cls, whose: str, last: int, number: int) -> Self:
        """There never were as many; or Redis has lost some that a client has seen."""
        return cls(whose, f"the last event is number {last}, and {number} is none of them")


class UnknownStep(HeadraceError):
    status = 422
    title = "No such step"

    def __init__(self, step: str, saved: list[str]) -> None:
        super().__init__(f"{step!r} is no saved step of this job. Saved: {', '.join(saved) or 'none'}.")


class IdempotencyConflict(HeadraceError):
    status = 422
    title = "Idempotency key reused"

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"Idempotency-Key: already used for another request, which made {job_id}. Use a new key for a new one."
        )


class TooManyStreams(HeadraceError):
    status = 503
    title = "Too many event streams"
    retry_after = timedelta(seconds=5)

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"This process follows events for {limit} clients, as many as it may. Try again, or ask for them as JSON:"
            " `Accept: application/json`."
        )


class StoreUnavailable(HeadraceError):
    status = 503
    title = "Job store unavailable"
    retry_after = timedelta(seconds=2)

    def __init__(self) -> None:
        super().__init__(
            "The job store does not answer or takes no writes now. Try again;"
            " with an Idempotency-Key nothing is made twice."
        )
