"""Redis is away for a moment: what must be written is written when it is back."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from jobs.errors import StoreUnavailable

T = TypeVar("T")

RETRY_EVERY = 0.3
"""Seconds between two tries while Redis is away."""


async def retry_while_unavailable(write: Callable[[], Awaitable[T]], *, within: timedelta | None = None) -> T:
    """Repeats a write until Redis takes it. Without `within` the caller is cancelled when its lease is lost.

    Raises StoreUnavailable after `within`, and whatever else `write` raises.
    """
    deadline = asyncio.get_running_loop().time() + within.total_seconds() if within else None
    while True:
        try:
            return await write()
        except StoreUnavailable:
            if deadline is not None and asyncio.get_running_loop().time() >= deadline:
                raise
            await asyncio.sleep(RETRY_EVERY)
