"""Records of jobs, read whole."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import cast

from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.record import DEFAULTS, JobRecord
from jobs.states import FINAL
from jobs.steps import read_files


class JobReader:
    """Raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, redis: Redis, *, patience: timedelta) -> None:
        self._redis = redis
        self._patience = patience

    async def records(self, job_ids: Sequence[str]) -> list[JobRecord | None]:
        """Those of these jobs, in their order; None for one that is not kept."""
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hgetall(keys.job(job_id))
                pipe.get(keys.input_of(job_id))
            found = await pipe.execute()
        records = zip(job_ids, found[::2], found[1::2], strict=True)
        return [await self.whole(job_id, fields, input_text) for job_id, fields, input_text in records]

    async def whole(self, job_id: str, fields: Mapping[str, str], input_text: str | None) -> JobRecord | None:
        """A record, from what stands in Redis of it."""
        if "state" not in fields:
            return None
        kept_apart = {"id": job_id} if input_text is None else {"id": job_id, "input": input_text}
        record = cast("JobRecord", {**DEFAULTS, **fields, **kept_apart})
        if record["state"] in FINAL and "files" not in record:
            # It ended without its worker, and has the files of its saved steps.
            record["files"] = json.dumps(await read_files(self._redis, job_id, patience=self._patience))
        return record
