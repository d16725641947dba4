"""Celery messages, rendered by Celery and kombu themselves and kept instead of sent.

So a script can decide that a job may run and put its message into Redis in one step.

A message says nothing but which job to look at: the task's name is the kind, its id the job's id, its body is empty.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from celery import Celery
from kombu import Connection, Queue
from kombu.transport import redis as kombu_redis

from jobs.priorities import PRIORITIES

_ID, _KIND, _QUEUE, _PRIORITY, _TAG = "JOBID", "JOBKIND", "JOBQUEUE", "JOBPRIORITY", "DELIVERYTAG"
"""Where a job's own values go."""
_ANY_PRIORITY = 9


@dataclass(frozen=True)
class Message:
    """What kombu would push and where: `lane` is the Redis list, `text` the element."""

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
        return _TAG


class _Transport(kombu_redis.Transport):
    Channel = _Channel


class Renderer:
    """Renders one message, and fills in the rest for each job."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        options = celery.conf.broker_transport_options
        self._connection = Connection(transport=_Transport, transport_options=options)

    def message(self, job_id: str, *, kind: str, queue: str, priority: int, tag: str) -> Message:
        values = {_ID: job_id, _KIND: kind, _QUEUE: queue, _PRIORITY: str(priority), _TAG: tag}
        text = "".join(values.get(part, part) for part in self.parts)
        return Message(lane=self._channel().lane(queue, priority), text=text)

    def lua(self) -> str:
        """Lua's `message(id, kind, queue, priority, tag)`; and what follows a queue's name in that of a lane.

        LANES has that by priority plus 1, LANE_SUFFIXES each once.
        """
        lanes = [self._channel().lane("", priority) for priority in PRIORITIES]
        names = {_ID: "id", _KIND: "kind", _QUEUE: "queue", _PRIORITY: "priority", _TAG: "tag"}
        parts = ", ".join(names.get(part) or lua_string(part) for part in self.parts)
        return (
            f"local LANES = {{ {', '.join(map(lua_string, lanes))} }}\n"
            f"local LANE_SUFFIXES = {{ {', '.join(map(lua_string, self.lanes('')))} }}\n"
            f"local function message(id, kind, queue, priority, tag) return table.concat({{ {parts} }}) end\n"
        )

    def lanes(self, queue: str) -> list[str]:
        """The lanes of a queue, most urgent first."""
        channel = self._channel()
        return [channel.lane(queue, step) for step in channel.priority_steps]

    @cached_property
    def parts(self) -> list[str]:
        """The text of a message, cut where a job's own values go."""
        channel = self._channel()
        producer = self._celery.amqp.Producer(channel, auto_declare=False)
        self._celery.send_task(
            _KIND,
            task_id=_ID,
            queue=cast("str", Queue(_QUEUE)),  # a queue that no kind names
            priority=_ANY_PRIORITY,
            producer=producer,
            declare=[],
            retry=False,
        )
        message: dict[str, Any] = json.loads(channel.recorder.pushed[1])
        # The same from every process: scripts that differed would fill Redis' cache of them.
        message["headers"]["origin"] = "headrace"
        message["properties"]["reply_to"] = ""
        # A worker of 0.1 drops what has this header, and so leaves the job, which it could not read, to one that can.
        message["headers"]["compression"] = None
        text = json.dumps(message).replace(f'"priority": {_ANY_PRIORITY}', f'"priority": {_PRIORITY}')
        return re.split(f"({_ID}|{_KIND}|{_QUEUE}|{_PRIORITY}|{_TAG})", text)

    def _channel(self) -> _Channel:
        return cast("_Channel", self._connection.default_channel)


def lua_string(text: str) -> str:
    """As Lua spells it. ASCII only."""
    return "'" + "".join(char if char.isalnum() else f"\\{ord(char):03}" for char in text) + "'"
