"""What a vendor's SDK raises, as the classes that decide what happens next.

The tables know SDKs by the names of their classes and by the HTTP status that their errors carry; none is imported.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

from headrace.errors import Busy, PipelineError, ProviderError, Rejected, Unavailable
from headrace.redaction import redacted
from headrace.retry_after import retry_info, wait_of
from jobs.errors import HeadraceError
from jobs.kind import Errors
from jobs.states import Reason

TOO_MANY = 429
PASSING = frozenset({408, 409, 425})
"""Refusals below 500 that pass by themselves: too slow, in conflict with another call, and too early."""

_UNAVAILABLE = frozenset(
    {
        "builtins.ConnectionError",
        "builtins.TimeoutError",
        "socket.gaierror",
        "openai.APIConnectionError",  # its timeout is one, too
        "anthropic.APIConnectionError",
        "httpx.TransportError",
        "httpx2.TransportError",
        "requests.ConnectionError",
        "requests.Timeout",
        "requests.ChunkedEncodingError",
        "aiohttp.ClientConnectionError",
        "aiohttp.ClientPayloadError",
        "urllib3.HTTPError",
    }
)
"""Package and class, whichever module of the package has it: no answer came."""
_UNPAID = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""Codes of a 429 that no waiting helps: the account has no money left."""
_LONGEST_TEXT = 500


class SdkErrors:
    """The tables of one kind."""

    def __init__(self, own: Errors | None = None) -> None:
        self._own: Errors = own or {}

    @contextmanager
    def translated(self) -> Generator[None]:
        """Raises ProviderError for what the tables know; anything else is a fault of the pipeline, and stays it."""
        try:
            yield
        except (ProviderError, PipelineError, HeadraceError):
            raise
        except Exception as error:
            known = self._known(error) or _by_status(error) or _by_name(error)
            if known is None:
                raise
            raise known from error

    def _known(self, error: Exception) -> ProviderError | None:
        if callable(self._own):
            made = self._own(error)
            return None if made is None else _checked(made, type(made))
        for each in type(error).__mro__:
            means = self._own.get(each) or self._own.get(f"{each.__module__}.{each.__qualname__}")
            if means:
                return _made(_checked(means, means), error)
        return None


def _checked(value: Any, means: type) -> Any:  # noqa: ANN401  # an error, or a class of them
    if not issubclass(means, ProviderError):
        raise PipelineError(f"the kind's `errors` must give Busy, Unavailable or Rejected, not {means.__name__}")
    return value


def _by_status(error: Exception) -> ProviderError | None:
    status = next(_statuses(error), None)
    if status is None:
        return None
    if status == TOO_MANY:
        return _made(Rejected if getattr(error, "code", None) in _UNPAID else Busy, error)
    return _made(Unavailable if status in PASSING or status >= 500 else Rejected, error)  # noqa: PLR2004  # HTTP's server errors


def _statuses(error: Exception) -> Iterator[int]:
    """The HTTP status in an exception or in its response, where SDKs keep it."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "code", "status"):
            value = getattr(holder, name, None)
            if isinstance(value, int) and 400 <= value < 600:  # noqa: PLR2004  # HTTP's errors
                yield value


def _by_name(error: Exception) -> ProviderError | None:
    names = {f"{each.__module__.partition('.')[0]}.{each.__name__}" for each in type(error).__mro__}
    return _made(Unavailable, error) if names & _UNAVAILABLE else None


def _made(means: type[ProviderError], error: Exception) -> ProviderError:
    text = redacted(" ".join(str(error).split()))[:_LONGEST_TEXT]
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if issubclass(means, Busy):
        return means(message, retry_after=_retry_after(error))
    if issubclass(means, Rejected):
        return means(message, reason=Reason.PROVIDER_REJECTED)
    return means(message)


def _retry_after(error: Exception) -> timedelta | None:
    """The Retry-After of its response, or Google's RetryInfo."""
    for holder in (getattr(error, "response", None), error):
        headers = getattr(holder, "headers", None)
        if isinstance(headers, Mapping):
            by_name = {str(name).lower(): str(value) for name, value in cast("Mapping[Any, Any]", headers).items()}
            if wait := wait_of(by_name.get("retry-after")):
                return wait
    match getattr(error, "details", None):
        case {"error": {"details": details}}:
            return retry_info(details)
        case _:
            return None
