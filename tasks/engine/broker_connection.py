"""Celery's connections to Redis: led to the primary, and dropped when their server is another, as the store's are."""

import ssl
from contextlib import suppress
from typing import Any, cast

from redis import Connection, SSLConnection
from redis.exceptions import ResponseError
from redis.sentinel import Sentinel

from jobs.connection import SENTINEL_WITHIN, other_role, untrusted
from jobs.redis_address import RedisAddress

NAME = "headrace-worker"


class BrokerConnection(Connection):
    """The plain twin of `jobs.connection`'s, for kombu does not wait in an event loop of asyncio's."""

    def __init__(self, *, address: RedisAddress, **options: Any) -> None:  # noqa: ANN401  # redis-py's own
        super().__init__(**options)
        self._address = address

    def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: FBT001, FBT002  # redis-py's own signature
        super().on_connect_check_health(check_health)
        with suppress(ResponseError):
            self.send_command("CLIENT", "SETNAME", NAME, check_health=False)
            self.read_response()

    def read_response(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  # redis-py's own
        try:
            return cast("object", super().read_response(*args, **options))
        except ResponseError as error:
            if (other := other_role(error)) is None:
                raise
            self.disconnect()
            raise other from error

    def _connect(self) -> Any:  # noqa: ANN401  # a socket
        if self._address.service is not None:
            self.host, self.port = _primary(self._address, self._address.service)
        try:
            return super()._connect()
        except ssl.SSLCertVerificationError as error:
            raise untrusted(error) from error


class BrokerTlsConnection(BrokerConnection, SSLConnection):
    """The same with TLS."""


def _primary(address: RedisAddress, service: str) -> tuple[str, int]:
    """Raises redis-py's ConnectionError when no sentinel names one."""
    limits = {"socket_timeout": SENTINEL_WITHIN, "socket_connect_timeout": SENTINEL_WITHIN}
    sentinel = Sentinel(address.nodes, sentinel_kwargs={**address.sentinel_options, **limits})
    try:
        return cast("tuple[str, int]", sentinel.discover_master(service))
    finally:
        for client in sentinel.sentinels:
            client.close()
