"""Why a provider call failed, in the three classes that decide what happens next.

ProviderError
├── Busy          asked too often (429): wait as told, then again
├── Unavailable   not answering (5xx, timeout, connection): wait with backoff, then again
└── Rejected      will never be answered (bad input, content policy, bad key): the job fails
"""

from datetime import timedelta

from jobs.states import Reason


class ProviderError(Exception):
    """A provider did not answer a call. `reason` is the code the job shows while it waits or when it failed."""

    reason: Reason
    stage: str | None = None
    """The step that asked; set by it."""


class Busy(ProviderError):
    """Asked too often. `retry_after` is what the provider told, or None."""

    reason = Reason.PROVIDER_BUSY

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(ProviderError):
    """No answer: server error, timeout or connection."""

    reason = Reason.PROVIDER_UNAVAILABLE


class Rejected(ProviderError):
    """Refused for good: bad input, content policy or credentials."""

    def __init__(self, message: str, *, reason: Reason = Reason.CONTENT_REJECTED) -> None:
        super().__init__(message)
        self.reason = reason
