"""Writes that are answered only when replicas have them: what was answered outlives a failover."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from redis.asyncio import ConnectionPool
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as TimeoutLost

from jobs import keys
from jobs.connection import connect, sentinel_of
from jobs.pipelining import PipelinedRedis
from jobs.redis_address import RedisAddress
from jobs.settings import Settings

COUNTED_FOR = 1.0
"""Seconds after which the sentinels are asked again how many replicas there are."""


class NotConfirmed(ConnectionLost):
    """Too few replicas have what was written: it may be lost, or not. Repeat it."""


class Replicas:
    """How many replicas have to confirm: `least`, and all that the sentinels hold healthy.

    Fewer would not do: any of those may be promoted. In a planned failover, or one by sentinels that are cut off from
    the primary, that replica has left while the old primary still takes writes and another replica confirms them.
    """

    def __init__(self, least: int, address: RedisAddress) -> None:
        self._least = least
        self._sentinel = sentinel_of(address)
        self._service = address.service or ""
        self._healthy = 0
        self._counted_at = -COUNTED_FOR

    async def wanted(self) -> int:
        if self._sentinel is not None and time.monotonic() - self._counted_at > COUNTED_FOR:
            await self._count(self._sentinel)
            self._counted_at = time.monotonic()
        return max(self._least, self._healthy)

    async def _count(self, sentinels: Sentinel) -> None:
        """By the first sentinel that answers; if none does, what was known holds."""
        for sentinel in sentinels.sentinels:
            try:
                known = await sentinel.sentinel_slaves(self._service)
            except (ConnectionLost, TimeoutLost, ResponseError):
                continue
            # A former primary is listed as well before it has become a replica: then it has no link yet. A replica that
            # was promoted a moment ago still has its old one here, and so is asked for, in vain, as it should be.
            self._healthy = sum(
                one["master-link-status"] == "ok" and not (one["is_sdown"] or one["is_odown"]) for one in known
            )
            return

    async def aclose(self) -> None:
        if self._sentinel is not None:
            await self._sentinel.aclose()


@dataclass(eq=False, slots=True)
class _Command:
    """A command, and its reply once that is confirmed."""

    args: tuple[Any, ...]
    options: Mapping[str, Any]
    reply: "asyncio.Future[object]"


class ConfirmedRedis(PipelinedRedis):
    """Raises NotConfirmed for a command whose effect too few replicas have.

    The commands that come while others are being confirmed are sent together, and one WAIT is for all of them. It has a
    connection of its own, for a WAIT holds up whatever comes after it.
    """

    def __init__(self, pool: ConnectionPool, *, replicas: Replicas, within: timedelta) -> None:
        super().__init__(pool)
        self._replicas = replicas
        self._within = within.total_seconds()
        self._next: list[_Command] = []
        self._sending: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, settings: Settings, *, name: str, reply_within: timedelta) -> Self:
        """As `PipelinedRedis.open`."""
        replicas = Replicas(settings.redis_wait, RedisAddress.of(settings))
        pool = connect(settings, name=name, reply_within=reply_within).connection_pool
        return cls(pool, replicas=replicas, within=reply_within)

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  # redis-py's own signature
        command = _Command(args, options, asyncio.get_running_loop().create_future())
        self._next.append(command)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_all())
        return await command.reply

    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001  # redis-py's own signature
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})
        await self._replicas.aclose()
        await super().aclose(close_connection_pool)

    async def _send_all(self) -> None:
        while self._next:
            together, self._next = self._next, []
            try:
                async with asyncio.timeout(self._within):
                    replies = await self._confirmed(together)
            except Exception as error:  # noqa: BLE001  # whatever it is, its caller has to know
                replies = [error] * len(together)
            for command, reply in zip(together, replies, strict=True):
                if command.reply.done():
                    continue
                if isinstance(reply, Exception):
                    command.reply.set_exception(reply)
                else:
                    command.reply.set_result(self.read(reply, command.args, command.options))

    async def _confirmed(self, together: list[_Command]) -> list[object]:
        wanted = await self._replicas.wanted()
        # A repeat may have nothing left to write, and what it reports another connection has written, while WAIT is
        # only promised for what this one wrote (6.2 and 7.0 wait for all). So something is written last.
        sent_last, wait = ("PUBLISH", keys.NOTHING, ""), ("WAIT", wanted, round(self._within * 500))
        *replies, _, confirmed = await self.replies([*(command.args for command in together), sent_last, wait])
        if isinstance(confirmed, Exception):
            raise confirmed
        if not isinstance(confirmed, int) or confirmed < wanted:
            # It may be no primary any more.
            self.hang_up()
            raise NotConfirmed(f"{confirmed} of {wanted} replicas have what was written")
        return replies
