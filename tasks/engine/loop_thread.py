"""A thread with an event loop of its own, for what must go on whatever the main thread does."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

CANCEL_EVERY = 0.1
"""Seconds between two cancellations of what still runs at the end."""


class LoopThread:
    """Runs coroutines in its thread until it is closed."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)

    def start(self) -> None:
        """May be repeated."""
        if not self._thread.is_alive():
            self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Starts `work` in the thread; its result, and its cancellation, from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Cancels what still runs, runs `last` and ends the thread. Raises what `last` raises.

        It takes as long as `last` takes: a process that has to be gone by some time sees to that itself.
        """
        self.run(_end(last)).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def _end(last: Coroutine[Any, Any, None]) -> None:
    # More than once: before Python 3.12 asyncio.wait_for, by which redis-py sends, now and then loses a cancellation.
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=CANCEL_EVERY)
    await last
