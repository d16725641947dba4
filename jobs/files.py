"""Files of jobs, in whatever object store `HEADRACE_FILES_URL` names."""

import hashlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store, from_url

from jobs.errors import FileNotFound
from jobs.model import FileRef
from jobs.settings import Settings

SIGNED_FOR = timedelta(minutes=10)
PAGE = 65536
"""Bytes that there must be room for at the start."""


class FileStore:
    """Files are named by job and content, so that writing the same file again changes nothing."""

    def __init__(self, url: str) -> None:
        if urlsplit(url).scheme == "file":
            _folder(url).mkdir(parents=True, exist_ok=True)
        self._store = from_url(url)

    @classmethod
    def open(cls, settings: Settings) -> "FileStore":
        return cls(_url(settings))

    @staticmethod
    def fault(settings: Settings) -> str | None:
        """Why files cannot be kept where the settings say, in a line for who runs this; or None.

        Of a folder this is tried; an object store is only asked whether its address and keys can be read.
        """
        try:
            FileStore.open(settings)
            if urlsplit(_url(settings)).scheme == "file":
                _try_to_write(_folder(_url(settings)))
        except Exception as error:  # noqa: BLE001  # each object store has errors of its own
            # What follows the first line of an object store's error is for its developers.
            why = str(error).partition("\n")[0]
            place = settings.files_url or "the folder .headrace/files, which is used without it"
            return f"HEADRACE_FILES_URL: files cannot be kept in {place}: {why}"
        return None

    async def put(self, job_id: str, name: str, data: bytes, content_type: str) -> FileRef:
        """Stores `data` and returns what the job record keeps of it."""
        key = f"{job_id}/{hashlib.sha256(data).hexdigest()[:16]}/{name}"
        await self.put_at(key, data, content_type)
        return FileRef(name=name, key=key, content_type=content_type, size=len(data))

    async def put_at(self, key: str, data: bytes, content_type: str) -> None:
        """Stores `data` under a key of the caller's."""
        attributes: Any = None if isinstance(self._store, LocalStore) else {"Content-Type": content_type}
        await obstore.put_async(self._store, key, data, attributes=attributes)

    async def get(self, ref: FileRef) -> bytes:
        """Raises FileNotFound when the store no longer has it."""
        try:
            result = await obstore.get_async(self._store, ref.key)
        except FileNotFoundError:
            raise FileNotFound(ref.key.partition("/")[0], ref.name) from None
        return bytes(await result.bytes_async())

    async def paths(self, *, under: str | None = None, after: str | None = None) -> AsyncIterator[str]:
        """The keys of what is kept, of one folder or in all, that come after another."""
        async for chunk in obstore.list(self._store, under, offset=after):
            for found in chunk:
                yield found["path"]

    async def signed_url(self, ref: FileRef) -> str | None:
        """A URL from which a client can fetch the file for ten minutes; None where the store cannot sign."""
        if not isinstance(self._store, GCSStore | S3Store | AzureStore):
            return None
        return await obstore.sign_async(self._store, "GET", ref.key, SIGNED_FOR)


def _url(settings: Settings) -> str:
    return settings.files_url or Path(".headrace/files").resolve().as_uri()


def _folder(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


def _try_to_write(folder: Path) -> None:
    """Raises OSError in a folder that is not ours to write to, and on a full disk."""
    with TemporaryFile(dir=folder) as file:
        file.write(bytes(PAGE))
        file.flush()
        os.fsync(file.fileno())
