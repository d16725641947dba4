"""The right to write for a job."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from jobs.model import Job


class FenceFields(TypedDict):
    """What every write of a worker carries, by the names that the scripts give it."""

    job_id: str
    fence: int
    claim: str


@dataclass(frozen=True)
class Lease:
    """The right to write for a job, until the next claim."""

    job_id: str
    fence: int
    claim: str
    """Its token: a fence may be given twice, by a Redis that failed over and has missed the first claim."""

    @property
    def child(self) -> str:
        """The process that made the claim, as its token begins: it is told there when the job is no longer its own."""
        return self.claim.partition(":")[0]

    def fence_fields(self) -> FenceFields:
        return {"job_id": self.job_id, "fence": self.fence, "claim": self.claim}


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
