"""Waiting for a condition, with a deadline and a word for what is awaited."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from tests.support.stopwatch import Stopwatch

T = TypeVar("T")


async def pause(seconds: float) -> None:
    """Time between two things that a test does, as in how long a fault lasts; never to wait for something."""
    await asyncio.sleep(seconds)  # wait_until is for conditions


async def wait_until(check: Callable[[], T | Awaitable[T]], *, within: float, what: str) -> T:
    """The first true answer of `check`, asked every 20 ms. Fails after `within` seconds, naming `what`.

    Seconds in which something waited for a core do not count: what is awaited may be what waited.
    """
    watch = Stopwatch()
    while True:
        asked = check()
        answer = cast("T", await asked if inspect.isawaitable(asked) else asked)
        if answer:
            return answer
        assert watch.took.net < within, f"not within {within} s: {what}"
        await asyncio.sleep(0.02)  # poll
