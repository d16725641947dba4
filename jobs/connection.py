"""Connections to Redis: every one with time limits, keepalive and a name; and one word for "Redis is away"."""

import asyncio
import re
import ssl
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, cast

from redis import exceptions as redis_errors
from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from jobs.celeryconfig import KEEPALIVE
from jobs.errors import StoreUnavailable
from jobs.redis_address import RedisAddress
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
_OTHER_ROLE = re.compile(r"(?:^|-)(?:READONLY|MASTERDOWN|LOADING|UNBLOCKED|CLUSTERDOWN|NOREPLICAS) ")
"""Errors of a server that is not, or no longer, the one to write to: from a script they come with these words only."""
SENTINEL_WITHIN = 0.5
"""Seconds a sentinel has to answer before the next one is asked."""


class OtherRole(redis_errors.ConnectionError):
    """This server is not the primary. The connection was closed: a new one may lead to the server that is by now."""


def other_role(error: redis_errors.ResponseError) -> OtherRole | None:
    """What the error means for its connection, if it says that this is the wrong server."""
    if isinstance(error, redis_errors.ReadOnlyError | redis_errors.MasterDownError) or _OTHER_ROLE.search(str(error)):
        return OtherRole(str(error))
    return None


def untrusted(error: ssl.SSLCertVerificationError) -> redis_errors.ConnectionError:
    return redis_errors.ConnectionError(
        f"the certificate of Redis is not trusted ({error.verify_message}):"
        " name the PEM file of its authority in HEADRACE_REDIS_CA"
    )


class _ToPrimary(Connection):
    """Leads to the primary, asking the sentinels each time, and is closed when its server turns out to be another."""

    def __init__(self, *, name: str, sentinel: Sentinel | None, service: str | None, **options: Any) -> None:  # noqa: ANN401  # redis-py's own
        super().__init__(**options)
        self._name = name
        self._sentinel = sentinel
        self._service = service

    async def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: FBT001, FBT002  # redis-py's own signature
        await super().on_connect_check_health(check_health)
        # Not redis-py's `client_name`: some hosted products refuse CLIENT, and a name is worth no connection.
        with suppress(redis_errors.ResponseError):
            await self.send_command("CLIENT", "SETNAME", self._name, check_health=False)
            await self.read_response()

    async def read_response(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  # redis-py's own
        try:
            return cast("object", await super().read_response(*args, **options))
        except redis_errors.ResponseError as error:
            if (other := other_role(error)) is None:
                raise
            await self.disconnect(nowait=True)
            raise other from error

    async def _connect(self) -> None:
        if self._sentinel is not None and self._service is not None:
            self.host, self.port = await self._sentinel.discover_master(self._service)
        try:
            await super()._connect()
        except ssl.SSLCertVerificationError as error:
            raise untrusted(error) from error


class _ToPrimaryByTls(_ToPrimary, SSLConnection):
    """The same with TLS."""


def connect(settings: Settings, *, name: str, reply_within: timedelta, connections: int = 32) -> Redis:
    """A client whose commands are answered, or fail, within `reply_within`; blocking ones need it to be longer.

    A command is sent once more on a fresh connection when the old one turns out to be closed. That is safe:
    every script may be repeated, see scripts/prelude.
    """
    seconds = reply_within.total_seconds()
    address = RedisAddress.of(settings)
    host, port = address.nodes[0]
    pool = BlockingConnectionPool(
        connection_class=_ToPrimaryByTls if address.tls else _ToPrimary,
        host=host,
        port=port,
        db=address.db,
        username=address.username,
        password=address.password,
        **(address.tls or {}),
        name=name,
        sentinel=sentinel_of(address),
        service=address.service,
        max_connections=connections,
        timeout=seconds,
        socket_timeout=seconds,
        socket_connect_timeout=min(seconds, 3),
        socket_keepalive=True,
        socket_keepalive_options=KEEPALIVE,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis_errors.ConnectionError,)),
        decode_responses=True,
    )
    return Redis.from_pool(pool)


def sentinel_of(address: RedisAddress) -> Sentinel | None:
    """A client of the sentinels, if there are any."""
    if not address.service:
        return None
    return Sentinel(
        address.nodes,
        sentinel_kwargs={
            **address.sentinel_options,
            "socket_timeout": SENTINEL_WITHIN,
            "socket_connect_timeout": SENTINEL_WITHIN,
        },
    )


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
