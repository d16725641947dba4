"""The states of a job, which may follow which, and the codes that say why. The Lua scripts are held to this table."""

from enum import StrEnum
from typing import Self, TypeVar


class State(StrEnum):
    QUEUED = "queued"
    """Waiting for a worker."""
    RUNNING = "running"
    """One worker holds the lease."""
    SCHEDULED = "scheduled"
    """Waiting for its time: of the next attempt, or of the first if its client gave one; no worker is held."""
    COMPLETED = "completed"
    """Done; the result is in the record."""
    FAILED = "failed"
    """Given up; the error is in the record, and the job can be retried as a new one."""
    CANCELLED = "cancelled"
    """Stopped on request."""
    EXPIRED = "expired"
    """Not started by its start deadline."""

    @classmethod
    def read(cls, text: str) -> Self:
        """From a record. A state that only a newer version knows is kept as text, so that this one can show the job."""
        try:
            return cls(text)
        except ValueError:
            return _unknown(cls, text)


class Reason(StrEnum):
    """Why a job is in its state. None while nothing needs saying."""

    WORKER_LOST = "worker_lost"
    """Its worker died or fell silent."""
    INTERRUPTED = "interrupted"
    """Its worker was told to stop and handed it back. Uses up an attempt only after many in a row."""
    PROVIDER_BUSY = "provider_busy"
    """The provider is asked too often (429)."""
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    """The provider does not answer (5xx, timeout, connection)."""
    CONTENT_REJECTED = "content_rejected"
    """The provider refuses the content."""
    PROVIDER_REJECTED = "provider_rejected"
    """The provider refuses the call itself: credentials or request."""
    INPUT_REJECTED = "input_rejected"
    """What the input says or points to cannot be worked with: not there, not readable or not allowed."""
    INVALID_ANSWER = "invalid_answer"
    """The provider's answer is malformed or truncated, asked for twice; what came back is among the job's files."""
    RATE_LIMITED = "rate_limited"
    """The rate limit that all workers share leaves no room for it yet; waiting uses up no attempt."""
    BUDGET_EXCEEDED = "budget_exceeded"
    """The next call would cost more than the job or its user may spend."""
    PRICE_UNKNOWN = "price_unknown"
    """A budget holds, but the price table has no price for the model."""
    FILES_UNAVAILABLE = "files_unavailable"
    """The place where files are kept does not answer."""
    SOURCE_UNAVAILABLE = "source_unavailable"
    """What the input points to, such as a site, does not answer."""
    TIME_LIMIT = "time_limit"
    """The run took longer than its kind may."""
    INTERNAL_ERROR = "internal_error"
    """A fault in the pipeline itself; the error says which."""
    SAVED_STEP_MISMATCH = "saved_step_mismatch"
    """The pipeline has changed, and a step saved before no longer fits it; the error names the step."""
    USER_REQUEST = "user_request"
    """A client asked for it."""
    SUPERSEDED = "superseded"
    """A later job with the same concurrency key, or the next run of its schedule, took its place."""
    STRUCK = "struck"
    """Its kind, user, provider or model was struck while it ran; its last event says by whom, and why."""
    PURGED = "purged"
    """Somebody purged its queue or its kind; the job's last event says who, and why."""
    START_DEADLINE = "start_deadline"
    """No worker was free before the start deadline."""
    NO_CAPABLE_WORKER = "no_capable_worker"
    """The workers that took it do not have its kind or cannot read what another version wrote. Uses up no attempt."""

    @classmethod
    def _missing_(cls, value: object) -> "Reason | None":
        """A code that only a newer version knows: kept as text, so that an older one can still show the job."""
        if not isinstance(value, str) or not value:
            return None
        return _unknown(cls, value)


E = TypeVar("E", bound=StrEnum)


def _unknown(cls: type[E], value: str) -> E:
    found = str.__new__(cls, value)
    found._name_ = found._value_ = value
    return found


FINAL = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED, State.EXPIRED})

NEXT: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.RUNNING, State.CANCELLED, State.EXPIRED}),
    State.RUNNING: frozenset({State.COMPLETED, State.FAILED, State.CANCELLED, State.QUEUED, State.SCHEDULED}),
    State.SCHEDULED: frozenset({State.QUEUED, State.CANCELLED}),
    State.COMPLETED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
    State.EXPIRED: frozenset(),
}
