"""Celery messages, rendered by Celery and kombu themselves and kept instead of sent.

So `create.lua` can put a job and its message into Redis in one step.

A message says nothing but which job to look at: the task's name is the kind, its id the job's id, its body is empty.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, cast
from uuid import uuid4

from celery import Celery
from kombu import Connection
from kombu.transport import redis as kombu_redis

from jobs.scripts import DELIVERY_TAG


@dataclass(frozen=True)
class Message:
    """What kombu would push and where: `lane` is the Redis list, `text` the element, its delivery tag a placeholder."""

    lane: str
    text: str


class _Recorder:
    """Stands for the Redis client of kombu's channel: answers its ping and keeps what it would push."""

    pushed: tuple[str, str]

    def ping(self) -> bool:
        return True

    def lpush(self, lane: str, text: str) -> None:
        self.pushed = (lane, text)


class _Channel(kombu_redis.Channel):
    priority_steps: list[int]
    _q_for_pri: Callable[[str, int], str]

    @cached_property
    def recorder(self) -> _Recorder:
        return _Recorder()

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, ARG002, FBT001, FBT002  # kombu's own signature
        return self.recorder

    def lane(self, queue: str, priority: int) -> str:
        """The list that kombu keeps a queue's messages of this priority on."""
        return self._q_for_pri(queue, priority)

    def _next_delivery_tag(self) -> str:
        return DELIVERY_TAG


class _Transport(kombu_redis.Transport):
    Channel = _Channel


class Renderer:
    """Renders one message for each kind, queue and priority, and fills in the job id after that."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        options = celery.conf.broker_transport_options
        self._connection = Connection(transport=_Transport, transport_options=options)
        self._template = cache(self._render)

    def message(self, job_id: str, *, kind: str, queue: str, priority: int) -> Message:
        placeholder, template = self._template(kind, queue, priority)
        return Message(lane=template.lane, text=template.text.replace(placeholder, job_id))

    def lanes(self, queue: str) -> list[str]:
        """The lanes of a queue, most urgent first."""
        channel = self._channel()
        return [channel.lane(queue, step) for step in channel.priority_steps]

    def _channel(self) -> _Channel:
        return cast("_Channel", self._connection.default_channel)

    def _render(self, kind: str, queue: str, priority: int) -> tuple[str, Message]:
        placeholder = str(uuid4())
        channel = self._channel()
        producer = self._celery.amqp.Producer(channel, auto_declare=False)
        self._celery.send_task(
            kind,
            task_id=placeholder,
            queue=queue,
            priority=priority,
            producer=producer,
            declare=[],
            retry=False,
        )
        lane, text = channel.recorder.pushed
        return placeholder, Message(lane=lane, text=text)
