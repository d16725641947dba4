"""Connections to Redis: every one with time limits, keepalive and a name; and one word for "Redis is away"."""

import asyncio
import re
from datetime import timedelta
from types import TracebackType

from redis import exceptions as redis_errors
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from jobs.celeryconfig import KEEPALIVE
from jobs.errors import StoreUnavailable
from jobs.settings import Settings

AWAY = (
    redis_errors.ConnectionError,
    redis_errors.TimeoutError,
    redis_errors.ReadOnlyError,
    redis_errors.OutOfMemoryError,
    redis_errors.MasterDownError,
    redis_errors.TryAgainError,
    TimeoutError,
    OSError,
)
"""What redis-py raises when the server cannot be reached, is loading, is read-only or is full."""
_NO_WRITES = re.compile(r"(?:^|-)(?:OOM|READONLY|MISCONF|NOREPLICAS|BUSY) ")
"""The same where redis-py has no class for it, as inside a script: `Error running script (...): ... -OOM ...`."""


def connect(settings: Settings, *, name: str, reply_within: timedelta, connections: int = 32) -> Redis:
    """A client whose commands are answered, or fail, within `reply_within`; blocking ones need it to be longer.

    A command is sent once more on a fresh connection when the old one turns out to be closed. That is safe:
    every script may be repeated, see scripts/prelude.
    """
    seconds = reply_within.total_seconds()
    pool = BlockingConnectionPool.from_url(
        settings.redis_url.get_secret_value(),
        max_connections=connections,
        timeout=seconds,
        socket_timeout=seconds,
        socket_connect_timeout=min(seconds, 3),
        socket_keepalive=True,
        socket_keepalive_options=KEEPALIVE,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis_errors.ConnectionError,)),
        client_name=name,
        decode_responses=True,
    )
    return Redis.from_pool(pool)


class answered:  # noqa: N801  # reads as what it promises: `async with answered(patience)`
    """Raises StoreUnavailable for whatever says that Redis is away, and after `within` in any case."""

    def __init__(self, within: timedelta | None = None) -> None:
        self._timeout = asyncio.timeout(within.total_seconds() if within else None)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise StoreUnavailable from late
        if isinstance(error, AWAY) or (isinstance(error, redis_errors.ResponseError) and _NO_WRITES.search(str(error))):
            raise StoreUnavailable from error
