"""Why a provider call failed, in the classes that decide what happens next; and what a pipeline can do wrong.

ProviderError
├── Busy               asked too often (429): wait as told, then again
│   └── RateLimited    not asked, for our own limits leave no room yet
├── Unavailable        not answering (5xx, timeout, connection): wait with backoff, then again
└── Rejected           will never be answered (bad input, content policy, bad key): the job fails
    └── InvalidAnswer  answered, but of no use (malformed, truncated): text is asked for once more, then the job fails

PipelineError          a fault in the code of a kind: the job fails at once, and its error says what to mend
├── StepNameReused     two steps, or two maps, of one name
├── UndeclaredResult   a step does not say what it returns
├── WrongStepResult    a step's value does not fit its declared type
├── StepTooLarge       a step's value is larger than HEADRACE_MAX_STEP_BYTES
├── PipelineExited     sys.exit() in a pipeline
├── WrongResult        the pipeline returned something else than the kind's result
└── SavedStepMismatch  a saved step no longer fits the pipeline
    └── ItemChanged    a map was given other items than in an earlier attempt

Interrupted            the worker is to stop: no new step begins
SavedByNewerVersion    a newer version of the kind has saved steps of the job: it is handed back
"""

from datetime import timedelta

from headrace.usage import Usage
from jobs.states import Reason


class ProviderError(Exception):
    """A provider did not answer a call. `reason` is the code the job shows while it waits or when it failed."""

    reason: Reason
    stage: str | None = None
    """The step that asked; set by it."""
    usage: Usage | None = None
    """What the vendor says the failed call used all the same; None when it does not say."""

    def __init__(self, message: str, *, usage: Usage | None = None) -> None:
        super().__init__(message)
        self.usage = usage


class Busy(ProviderError):
    """Asked too often. `retry_after` is what the provider told, or None."""

    reason = Reason.PROVIDER_BUSY

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(Busy):
    """The rate limit that all workers share has room after `retry_after`; the provider was not asked."""

    reason = Reason.RATE_LIMITED


class Unavailable(ProviderError):
    """No answer: server error, timeout or connection. `reason` says of whom, the provider unless another is named."""

    def __init__(
        self, message: str, *, reason: Reason = Reason.PROVIDER_UNAVAILABLE, usage: Usage | None = None
    ) -> None:
        super().__init__(message, usage=usage)
        self.reason = reason


class Rejected(ProviderError):
    """Refused for good: bad input, content policy or credentials."""

    def __init__(self, message: str, *, reason: Reason = Reason.CONTENT_REJECTED, usage: Usage | None = None) -> None:
        super().__init__(message, usage=usage)
        self.reason = reason


class InvalidAnswer(Rejected):
    """An answer that was paid for and cannot be used. `fault` says why, `answer` is what came back, if it was text."""

    def __init__(self, fault: str, *, answer: str = "", usage: Usage | None = None) -> None:
        super().__init__(f"The provider's answer is of no use: {fault}", reason=Reason.INVALID_ANSWER, usage=usage)
        self.fault = fault
        self.answer = answer


class PipelineError(Exception):
    """A fault in the code of a kind. `stage` is the step that it is about."""

    reason = Reason.INTERNAL_ERROR
    stage: str | None = None


class StepNameReused(PipelineError):
    def __init__(self, step: str, what: str) -> None:
        super().__init__(f"{what} are named {step!r}: a name stands for one saved result, so give each its own")
        self.stage = step


class UndeclaredResult(PipelineError):
    def __init__(self, step: str, why: str = "its function has no return annotation") -> None:
        super().__init__(f"step {step!r} does not say what it returns ({why}): annotate it, or pass `result`")
        self.stage = step


class WrongStepResult(PipelineError):
    def __init__(self, step: str, declared: str, fault: str) -> None:
        super().__init__(f"step {step!r} returned a value that does not fit its type {declared}: {fault}")
        self.stage = step


class StepTooLarge(PipelineError):
    def __init__(self, step: str, size: int, limit: int) -> None:
        super().__init__(
            f"step {step!r}: {size} bytes, at most {limit} are kept; keep larger values in a file (step.keep)"
        )
        self.stage = step


class PipelineExited(PipelineError):
    def __init__(self, step: str | None = None) -> None:
        super().__init__("sys.exit() was called in the pipeline: return its result, or raise an error")
        self.stage = step


class WrongResult(PipelineError):
    def __init__(self, kind: str, result: object, expected: type) -> None:
        super().__init__(f"the {kind} pipeline returned {type(result).__name__}; it must return {expected.__name__}")


class SavedStepMismatch(PipelineError):
    reason = Reason.SAVED_STEP_MISMATCH

    def __init__(self, step: str, declared: str, fault: str) -> None:
        super().__init__(
            f"step {step!r} was saved by another version of the pipeline and does not fit its type {declared}: {fault}."
            " Submit the job as a new one; see docs/kinds.md on changing a pipeline that has jobs in flight"
        )
        self.stage = step


class ItemChanged(SavedStepMismatch):
    def __init__(self, step: str) -> None:
        Exception.__init__(
            self,
            f"step {step!r} was saved for another item: a map must be given the same items, in the same order, in every"
            " attempt. Submit the job as a new one",
        )
        self.stage = step


class Interrupted(Exception):
    """The worker is to stop: no new step begins."""


class SavedByNewerVersion(Exception):
    """A job's steps were saved by a newer version of its kind than this process has."""

    def __init__(self, *, saved: int, here: int) -> None:
        super().__init__(f"its steps were saved by version {saved} of the kind, and this worker has version {here}")
