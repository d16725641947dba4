"""The jobs whose messages a child has taken itself, told to its parent."""

import os


class TakenJobs:
    """Made before the children are forked, which share the pipe."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._rest = b""

    def note(self, job_id: str) -> None:
        """In a child. It waits while the parent is far behind: thousands of jobs."""
        os.write(self._writing, job_id.encode() + b"\n")

    def new(self) -> list[str]:
        """In the parent: those that were noted since it last asked."""
        read = self._rest
        while True:
            try:
                some = os.read(self._reading, 65536)
            except BlockingIOError:
                break
            read += some
        *job_ids, self._rest = read.split(b"\n")
        return [job_id.decode() for job_id in job_ids]
