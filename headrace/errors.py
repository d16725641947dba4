"""Why a provider call failed, in the classes that decide what happens next.

ProviderError
├── Busy               asked too often (429): wait as told, then again
│   └── RateLimited    not asked, for our own limits leave no room yet
├── Unavailable        not answering (5xx, timeout, connection): wait with backoff, then again
└── Rejected           will never be answered (bad input, content policy, bad key): the job fails
    └── InvalidAnswer  answered, but of no use (malformed, truncated): text is asked for once more, then the job fails
"""

from datetime import timedelta

from headrace.provider import Usage
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
    """No answer: server error, timeout or connection."""

    reason = Reason.PROVIDER_UNAVAILABLE


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
