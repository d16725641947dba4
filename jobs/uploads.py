"""Pictures that clients send for their jobs: kept for the retention time.

The record in Redis ends by its TTL, and with it the upload. Nothing here deletes the bytes, nor the files of jobs: that
is for a lifecycle rule of the file store, which docs/deployment.md has under "How files end".
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import uuid4

from pydantic import Field
from redis.asyncio import Redis

from jobs import keys
from jobs.connection import answered
from jobs.files import FileStore
from jobs.model import FileRef, Frozen
from jobs.new_job import Idempotency
from jobs.settings import Settings


class Upload(Frozen):
    id: str = Field(description="What a job's input names it by")
    content_type: str
    size: int = Field(description="Bytes")
    width: int = Field(description="Pixels, as stored: before any turn that its EXIF asks for")
    height: int
    expires_at: datetime = Field(description="Jobs can be submitted with it until then")


def file_of(upload_id: str) -> FileRef:
    """Where its bytes are, for who knows no more than its id."""
    return FileRef(name=upload_id, key=f"uploads/{upload_id}", content_type="", size=0)


class Uploads:
    """Raises StoreUnavailable when Redis does not answer within `patience`."""

    def __init__(self, redis: Redis, files: FileStore, settings: Settings, *, patience: timedelta) -> None:
        self._redis = redis
        self._files = files
        self._kept = settings.retention
        self._patience = patience

    async def add(self, data: bytes, content_type: str, *, width: int, height: int) -> Upload:
        """Stores a picture that was checked. Without its record nobody can name it, so the bytes go first."""
        upload_id = str(uuid4())
        await self._files.put_at(file_of(upload_id).key, data, content_type)
        async with answered(self._patience), self._redis.pipeline() as pipe:
            pipe.set(keys.upload(upload_id), content_type, px=self._kept)
            pipe.time()
            _, (seconds, _) = cast("tuple[bool, tuple[int, int]]", await pipe.execute())
        return Upload(
            id=upload_id,
            content_type=content_type,
            size=len(data),
            width=width,
            height=height,
            expires_at=datetime.fromtimestamp(seconds, UTC) + self._kept,
        )

    async def unknown(self, upload_ids: Collection[str], request: Idempotency | None = None) -> set[str]:
        """Those that are not there; none for a request that was made before, whose uploads may have ended since."""
        wanted = sorted(set(upload_ids))
        async with answered(self._patience), self._redis.pipeline(transaction=False) as pipe:
            for upload_id in wanted:
                pipe.exists(keys.upload(upload_id))
            if request:
                pipe.exists(keys.idempotency(request.owner, request.key))
            found: list[int] = await pipe.execute()
        if request and found[-1]:
            return set()
        return {upload_id for upload_id, known in zip(wanted, found, strict=False) if not known}
