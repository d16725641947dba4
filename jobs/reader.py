"""Records of jobs, read whole."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.record import JobRecord
from jobs.states import FINAL
from jobs.steps import read_files


class JobReader:
    """Raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, redis: Redis, *, patience: timedelta) -> None:
        self._redis = redis
        self._patience = patience

    async def record(self, job_id: str) -> JobRecord | None:
        [record] = await self.records([job_id])
        return record

    async def records(self, job_ids: Sequence[str]) -> list[JobRecord | None]:
        """Those of these jobs, in their order; None for one that is not kept."""
        async with answered(self._patience):
            if len(job_ids) == 1:
                # No pipeline: that would be sent on a connection of its own.
                found = [await cast("Any", self._redis.hgetall(keys.job(job_ids[0])))]
            else:
                async with self._redis.pipeline(transaction=False) as pipe:
                    for job_id in job_ids:
                        pipe.hgetall(keys.job(job_id))
                    found = await pipe.execute()
        records = [cast("JobRecord", one) if "state" in one else None for one in found]
        for record in records:
            # A job that ended without its worker has the files of its saved steps.
            if record and record["state"] in FINAL and "files" not in record:
                files = await read_files(self._redis, record["id"], patience=self._patience)
                record["files"] = json.dumps(files)
        return records
