"""Which job each child of a worker has come to: the children write it, the parent reads it, also when they are dead."""

import json
import mmap
import zlib
from dataclasses import asdict, dataclass

CHILDREN = 64
"""A worker has one. What children beyond these run is found by its lease."""
_SIZE = 384
_CHECKSUM = 4


@dataclass(frozen=True)
class CurrentJob:
    """The latest job of a chain that the child knows of. If it has claimed another, that job's record names it."""

    message_id: str
    """The job that Celery's message named, with which the chain began."""
    job_id: str
    token: str
    """Of all claims of the chain."""
    slot: int = 0
    """Which of the jobs that the child runs at once it is, or follows."""


class CurrentJobs:
    """Made before the children are forked, in memory that they share.

    Without a lock, for a child that is killed would keep it.
    """

    def __init__(self, slots: int = 1) -> None:
        """Of children that run so many jobs at once."""
        self._slots = slots
        self._places = max(CHILDREN, slots)
        self._memory = mmap.mmap(-1, self._places * _SIZE)

    def note(self, child: int, job: CurrentJob) -> None:
        """In the child with that number."""
        text = json.dumps(asdict(job)).encode()
        if len(text) <= _SIZE - _CHECKSUM:
            record = text.ljust(_SIZE - _CHECKSUM)
            self._write(child, job.slot, zlib.crc32(record).to_bytes(_CHECKSUM) + record)

    def clear(self, child: int, slot: int) -> None:
        """In the child with that number, when no job has the slot any longer."""
        self._write(child, slot, bytes(_SIZE))

    def under(self, message_id: str) -> list[CurrentJob]:
        """How far each slot of the child is, or was, that got this message."""
        return [job for place in range(self._places) if (job := self._read(place)) and job.message_id == message_id]

    def _write(self, child: int, slot: int, record: bytes) -> None:
        place = child * self._slots + slot
        if place < self._places:
            self._memory[place * _SIZE : (place + 1) * _SIZE] = record

    def _read(self, place: int) -> CurrentJob | None:
        """None also while the child writes."""
        record = self._memory[place * _SIZE : (place + 1) * _SIZE]
        checksum, text = record[:_CHECKSUM], record[_CHECKSUM:]
        if zlib.crc32(text).to_bytes(_CHECKSUM) != checksum or not text.strip(b"\0"):
            return None
        return CurrentJob(**json.loads(text))
