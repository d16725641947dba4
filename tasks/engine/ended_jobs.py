"""What one worker has brought to an end, as the records say."""

from collections import Counter
from datetime import timedelta
from typing import cast

from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.states import FINAL, State


class EndedJobs:
    """Follows each job that a worker's messages named, until its record shows how it ended, and under whom.

    So does it each that followed one of them in a chain, as the records say.
    """

    def __init__(self, redis: Redis, worker: str, *, patience: timedelta) -> None:
        self._redis = redis
        self._worker = worker
        self._patience = patience
        self._followed: set[str] = set()
        self._ended: dict[str, State] = {}

    def received(self, job_id: str) -> None:
        """A message came. From any thread; that the message is a repeated one does no harm."""
        self._followed.add(job_id)

    async def look(self) -> None:
        """Reads the records of the jobs that may have ended since. Raises StoreUnavailable."""
        new = set(self._followed)
        while new:
            known = set(self._followed)
            await self._read(tuple(new))
            new = self._followed - known

    async def _read(self, followed: tuple[str, ...]) -> None:
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            for job_id in followed:
                pipe.hmget(keys.job(job_id), ["state", "worker", "next"])
            found = cast("list[tuple[str | None, str | None, str | None]]", await pipe.execute())
        for job_id, (state, worker, following) in zip(followed, found, strict=True):
            if following is not None and job_id not in self._ended:
                self._followed.add(following)
            if state in FINAL and worker == self._worker:
                self._ended[job_id] = State(state)
            # Queued is a job that is just about to be claimed. All others that do not run here are out of our hands.
            elif state == State.QUEUED or (state == State.RUNNING and worker == self._worker):
                continue
            self._followed.discard(job_id)

    def count(self, state: State) -> int:
        """How many jobs this worker has brought to that final state."""
        return Counter(self._ended.values())[state]
