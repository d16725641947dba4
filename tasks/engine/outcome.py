"""What became of a job in one attempt, for the log and for Celery's monitors."""

from dataclasses import dataclass
from enum import StrEnum


class Left(StrEnum):
    """How a worker left a job."""

    COMPLETED = "completed"
    FAILED = "failed"
    LATER = "scheduled"
    """It waits for another attempt."""
    BACK = "handed back"
    LOST = "lost"
    """It was no longer this worker's."""
    REFUSED = "refused"
    """There was nothing to claim."""
    UNCLAIMED = "not claimed"
    """The store was away."""


@dataclass(frozen=True)
class Outcome:
    left: Left
    reason: str = ""
    """Of the failure or the wait; of a job that was lost or refused the state that it is in."""
    message: str = ""

    def __str__(self) -> str:
        return f"{self.left}: {self.reason}" if self.reason else self.left
