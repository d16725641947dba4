"""Which job a task of asyncio works for, so that another thread can tell which of many jobs blocks their loop."""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, cast
from weakref import WeakKeyDictionary

OWNER: ContextVar[str] = ContextVar("headrace_job")
"""The job that is run in this context: a task inherits it from the one that makes it."""
_owners: WeakKeyDictionary[asyncio.Task[Any], str] = WeakKeyDictionary()


def note_owners(loop: asyncio.AbstractEventLoop) -> None:
    """From now on the tasks of this loop are known by their jobs."""
    loop.set_task_factory(cast("Any", _made))


def owner_of(task: asyncio.Task[Any] | None) -> str | None:
    """The job's id. From any thread."""
    return None if task is None else _owners.get(task)


def _made(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:  # noqa: ANN401  # asyncio's own
    task = asyncio.Task(work, loop=loop, **options)
    if owner := OWNER.get(None):
        _owners[task] = owner
    return task
