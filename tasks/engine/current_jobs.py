"""Which job each child of a worker has come to: the children write it, the parent reads it, also when they are dead."""

import json
import mmap
import zlib
from dataclasses import asdict, dataclass

CHILDREN = 64
"""A worker has one. What children beyond these run is found by its lease."""
_SIZE = 512
_CHECKSUM = 4


@dataclass(frozen=True)
class CurrentJob:
    """The latest job of a chain that the child knows of. If it has claimed another, that job's record names it."""

    message_id: str
    """The job that Celery's message named, with which the chain began."""
    job_id: str
    token: str
    """Of all claims of the chain."""


class CurrentJobs:
    """Made before the children are forked, in memory that they share.

    Without a lock, for a child that is killed would keep it.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, CHILDREN * _SIZE)

    def note(self, child: int, job: CurrentJob) -> None:
        """In the child with that number."""
        text = json.dumps(asdict(job)).encode()
        if child < CHILDREN and len(text) <= _SIZE - _CHECKSUM:
            start = child * _SIZE
            record = text.ljust(_SIZE - _CHECKSUM)
            self._memory[start : start + _SIZE] = zlib.crc32(record).to_bytes(_CHECKSUM) + record

    def of(self, message_id: str) -> CurrentJob | None:
        """How far the child is, or was, that got this message."""
        return next(
            (job for child in range(CHILDREN) if (job := self._read(child)) and job.message_id == message_id), None
        )

    def _read(self, child: int) -> CurrentJob | None:
        """None also while the child writes."""
        record = self._memory[child * _SIZE : (child + 1) * _SIZE]
        checksum, text = record[:_CHECKSUM], record[_CHECKSUM:]
        if zlib.crc32(text).to_bytes(_CHECKSUM) != checksum or not text.strip(b"\0"):
            return None
        return CurrentJob(**json.loads(text))
