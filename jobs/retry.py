"""What a new job takes over from the ended one that it retries."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.errors import UnknownStep
from jobs.record import JobRecord
from jobs.steps import from_step_on

_REPEATED = (
    "kind",
    "queue",
    "priority",
    "input",
    "user_id",
    "max_attempts",
    "max_cost",
    "time_limit",
    "retention",
    "models",
    "concurrency_key",
    "concurrency_limit",
)


@dataclass(frozen=True)
class Retry:
    of: str = ""
    """The ended job."""
    named_in: str = ""
    """The field in which that job names its retry."""
    left_out: Sequence[str] = ()
    """Its steps that are to be made anew."""


NO_RETRY = Retry()


def repeated(record: JobRecord, *, changed_input: str | None = None) -> dict[str, str]:
    """The fields that a retry has from the job that it retries."""
    fields = {name: value for name in _REPEATED if (value := record.get(name)) is not None}
    return fields if changed_input is None else fields | {"input": changed_input}


def whole(job_id: str) -> Retry:
    return Retry(job_id, "retried_as")


def retry_from(job_id: str, step: str, saved: Mapping[str, str], input_text: str) -> Retry:
    """One for each step and input. Raises UnknownStep."""
    if step not in saved:
        raise UnknownStep(step, sorted(saved))
    digest = hashlib.sha256(input_text.encode()).hexdigest()[:16]
    return Retry(job_id, f"retried_as:{step}:{digest}", from_step_on(saved, step))
