"""The queues that a worker takes jobs of now: its parent writes them, its children read them before each next job.

`celery control add_consumer` and `cancel_consumer` change them while the worker runs, in the parent alone.
"""

import json
import mmap
import zlib
from collections.abc import Sequence

_SIZE = 4096
_CHECKSUM = 4


class ConsumedQueues:
    """Made before the children are forked, in memory that they share. One process writes."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SIZE)

    def note(self, queues: Sequence[str]) -> None:
        """Raises ValueError for more names than there is room for."""
        text = json.dumps(list(queues)).encode()
        if len(text) > _SIZE - _CHECKSUM:
            raise ValueError(f"the names of these queues are longer than {_SIZE} bytes")
        record = text.ljust(_SIZE - _CHECKSUM)
        self._memory[:] = zlib.crc32(record).to_bytes(_CHECKSUM) + record

    def now(self) -> list[str]:
        """In the order in which they are consumed. None before the first note, and while it is changed."""
        record = self._memory[:]
        checksum, text = record[:_CHECKSUM], record[_CHECKSUM:]
        if zlib.crc32(text).to_bytes(_CHECKSUM) != checksum or not text.strip(b"\0"):
            return []
        return json.loads(text)
