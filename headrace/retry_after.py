"""How long a vendor says to wait, in the forms in which it is said."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import cast

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


def wait_of(header: str | None) -> timedelta | None:
    """A Retry-After, in seconds or as a date; None when it says nothing that can be understood."""
    if header is None:
        return None
    with suppress(ValueError, OverflowError):
        return max(timedelta(seconds=float(header)), timedelta(0))
    with suppress(ValueError, TypeError):  # not a date; a date without a zone
        return max(parsedate_to_datetime(header) - datetime.now(UTC), timedelta(0))
    return None


def retry_info(details: object) -> timedelta | None:
    """The RetryInfo among the `google.rpc` messages of an error; None when there is none."""
    for detail in cast("Sequence[object]", details if isinstance(details, Sequence) else ()):
        match detail:
            case {"retryDelay": str(text)} if wait := _protobuf_duration(text):
                return wait
            case _:
                pass
    return None


def _protobuf_duration(text: str) -> timedelta | None:
    """A google.protobuf.Duration in JSON, such as "37s" or "1.5s"; None for anything else."""
    match = _SECONDS.fullmatch(text)
    with suppress(OverflowError):
        return timedelta(seconds=float(match[1])) if match else None
    return None
