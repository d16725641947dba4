"""Whether an event loop turns, seen from another thread, and where it hangs if it does not."""

import asyncio
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import PurePath
from types import FrameType

from tasks.engine.task_owners import owner_of

TICK_EVERY = 0.2
"""Seconds."""


class LoopWatch:
    """The running loop of the thread that makes it. `ticks` and `where` may be read from any thread."""

    def __init__(self, package: str = "") -> None:
        """`package` is the top-level package whose line `where` names rather than that of a library it calls."""
        self.ticks = 0
        """Grows while the loop turns."""
        self._package = package
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def ticking(self) -> Generator[None]:
        self._tick()
        try:
            yield
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def owner(self) -> str | None:
        """The job whose code runs in the loop now, where `task_owners` notes them."""
        return owner_of(asyncio.current_task(self._loop))

    def where(self) -> str:
        """What the loop's thread does now: `podcast/pipeline.py:42 in render`."""
        # The documented way to another thread's stack.
        innermost = frame = sys._current_frames().get(self._thread)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as said
        while frame is not None:
            if str(frame.f_globals.get("__name__", "")).partition(".")[0] == self._package:
                return _place(frame)
            frame = frame.f_back
        return _place(innermost) if innermost else "an unknown place"

    def _tick(self) -> None:
        self.ticks += 1
        self._timer = self._loop.call_later(TICK_EVERY, self._tick)


def _place(frame: FrameType) -> str:
    file = "/".join(PurePath(frame.f_code.co_filename).parts[-2:])
    return f"{file}:{frame.f_lineno} in {frame.f_code.co_qualname}"
