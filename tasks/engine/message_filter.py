"""What the worker takes off the broker's lists: messages as `jobs.messages` renders them, and nothing else.

Celery's worker ends on an element that is no JSON object; after some others it ends, they are restored, and the next
worker ends as well. Here they are dropped, with a line in the log, before anything is decompressed or decoded.
"""

import base64
import binascii
import json
from multiprocessing.sharedctypes import RawValue
from queue import Empty
from typing import Any, ClassVar

import structlog
from kombu import transport as kombu_transport
from kombu.transport import redis as kombu_redis

from jobs import kinds
from jobs.kind import is_kind_name
from jobs.queues import queue_names
from jobs.redis_address import RedisAddress
from tasks.engine.broker_connection import BrokerConnection, BrokerTlsConnection

log = structlog.stdlib.get_logger("headrace.message_filter")

UNKNOWN_KIND = "headrace.unknown_kind"
"""The task of jobs whose kind this worker does not have. It hands them on; dropped, they would say nothing."""
LONGEST_BODY = 1024
"""Characters; ours have about 100."""


def install(address: RedisAddress) -> None:
    """Has Celery use this transport for every Redis URL, and lead its connections to that address."""
    # Not one of the transport's options: these are sent to whoever asks a worker for its stats.
    Channel.address = address
    name = f"{__name__}:{Transport.__name__}"
    kombu_transport.TRANSPORT_ALIASES.update(redis=name, rediss=name, sentinel=name)


class Dropped:
    """How many messages this worker has dropped. Counted by Celery's thread and by its child, read by the parent's.

    The child takes messages only while Celery's thread takes none.
    """

    def __init__(self) -> None:
        # Without a lock: a child that is killed would keep it.
        self._total = RawValue("Q", 0)

    @property
    def total(self) -> int:
        return self._total.value

    @total.setter
    def total(self, total: int) -> None:
        self._total.value = total

    def note(self, why: str) -> None:
        self.total += 1
        log.error("message dropped", why=why)


dropped = Dropped()


class Channel(kombu_redis.Channel):
    connection_class = BrokerConnection
    connection_class_ssl = BrokerTlsConnection
    address: ClassVar[RedisAddress]

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002  # kombu's own signature
        return {**super()._connparams(asynchronous), "address": self.address}  # pyright: ignore[reportAttributeAccessIssue]  # kombu has no types

    def _brpop_read(self, **options: Any) -> Any:  # noqa: ANN401  # kombu's own signature
        try:
            return super()._brpop_read(**options)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]  # kombu has no types
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            # Raised before the message is noted as taken, and so nothing of it is left.
            dropped.note("no JSON")
            raise Empty from None


class Transport(kombu_redis.Transport):
    Channel = Channel

    def _deliver(self, message: Any, queue: str | None) -> None:  # noqa: ANN401  # any JSON value
        if queue in queue_names() and (why := fault_of(message)):
            dropped.note(why)
            return
        if queue in queue_names() and not _is_known(message["headers"]["task"]):
            message["headers"]["task"] = UNKNOWN_KIND
        super()._deliver(message, queue)


def fault_of(message: Any) -> str | None:  # noqa: ANN401  # any JSON value
    """Why this is no message of ours, or None."""
    match message:
        case {
            "body": str(body),
            "content-type": "application/json",
            "headers": {"task": str(task), "id": str(), **headers},
            "properties": {"delivery_tag": str(), "delivery_info": dict(), "body_encoding": "base64"},
        }:
            if not is_kind_name(task):
                return "unknown task"
            return None if headers.get("compression") is None and _is_empty(body) else "foreign body"
        case _:
            return "foreign form"


def _is_known(task: str) -> bool:
    return any(kind.name == task for kind in kinds.known())


def _is_empty(body: str) -> bool:
    try:
        return len(body) < LONGEST_BODY and json.loads(base64.b64decode(body, validate=True))[:2] == [[], {}]
    except (binascii.Error, ValueError, TypeError, KeyError):
        return False
