"""Ids of jobs and batches."""

import os
import time
from datetime import datetime
from uuid import UUID

_RANDOM = (1 << 62) - 1


def new_id() -> str:
    """A UUID of version 7: unguessable, and in the order of time but for those of one millisecond."""
    chance = int.from_bytes(os.urandom(10))
    ms = time.time_ns() // 1_000_000
    return str(UUID(int=ms << 80 | 7 << 76 | (chance >> 68) << 64 | 0b10 << 62 | (chance & _RANDOM)))


def first_id_of(moment: datetime) -> str:
    """Less than the id of any job made from then on, more than that of any made before."""
    return str(UUID(int=int(moment.timestamp() * 1000) << 80))
