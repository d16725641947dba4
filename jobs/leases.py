"""The right to write for a job."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.model import Job


@dataclass(frozen=True)
class Lease:
    """The right to write for a job, until its fencing token moves on."""

    job_id: str
    fence: int


@dataclass(frozen=True)
class Claim:
    """A job that this worker runs now, with the steps that earlier attempts saved."""

    lease: Lease
    job: Job
    steps: Mapping[str, str]
    requested_at: float = field(compare=False)
    """Before the request for the lease was sent, by time.monotonic(): it holds for its length from then, not longer."""


@dataclass(frozen=True)
class Refusal:
    """There is nothing to claim: a repeated message, or the job has ended."""

    state: str
