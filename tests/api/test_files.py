"""The files of a job, and that none of them can do harm."""

from collections.abc import Sequence

import httpx
import pytest

from jobs.files import FileStore
from jobs.model import FileRef
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.jobs_at_hand import running

PICTURE = b"\x89PNG not really"


async def job_with(store: JobStore, settings: Settings, *files: tuple[str, bytes, str]) -> str:
    """A completed job that made these files: name, content and type."""
    claim = await running(store)
    held = FileStore.open(settings)
    made: Sequence[FileRef] = [await held.put(claim.lease.job_id, *file) for file in files]
    await store.complete(claim.lease, result={}, files=made)
    return claim.lease.job_id


async def test_a_job_leads_to_its_files(api: httpx.AsyncClient, store: JobStore, settings: Settings) -> None:
    """Each has a URL, at which it is whole."""
    job_id = await job_with(store, settings, ("page 1.png", PICTURE, "image/png"))
    (file,) = (await api.get(f"/jobs/{job_id}")).json()["files"]
    assert (file["name"], file["content_type"], file["size"]) == ("page 1.png", "image/png", len(PICTURE))
    response = await api.get(file["url"])
    assert response.status_code == 200
    assert response.content == PICTURE
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Content-Length"] == str(len(PICTURE))
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Disposition"] == "inline; filename*=UTF-8''page%201.png"


async def test_a_file_is_not_sent_twice(api: httpx.AsyncClient, store: JobStore, settings: Settings) -> None:
    """304 for a client that has it."""
    job_id = await job_with(store, settings, ("book.pdf", b"%PDF", "application/pdf"))
    first = await api.get(f"/jobs/{job_id}/files/book.pdf")
    again = await api.get(f"/jobs/{job_id}/files/book.pdf", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "image/svg+xml", "application/xhtml+xml"])
async def test_a_page_cannot_script_on_this_origin(
    api: httpx.AsyncClient, store: JobStore, settings: Settings, content_type: str
) -> None:
    """Whatever can hold a script is served into a sandbox."""
    job_id = await job_with(store, settings, ("book", b"<script>alert(1)</script>", content_type))
    response = await api.get(f"/jobs/{job_id}/files/book")
    policy = response.headers["Content-Security-Policy"]
    assert response.headers["Content-Type"] == content_type
    assert policy.startswith("sandbox;")
    assert "default-src 'none'" in policy
    assert "allow-" not in policy
    assert "script-src" not in policy


async def test_an_unknown_type_is_only_for_downloading(
    api: httpx.AsyncClient, store: JobStore, settings: Settings
) -> None:
    """The browser is not asked to show it; and its name cannot break out of the header."""
    job_id = await job_with(store, settings, ('a"; X=1', b"?", "application/x-strange"))
    (file,) = (await api.get(f"/jobs/{job_id}")).json()["files"]
    response = await api.get(file["url"])
    assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%22%3B%20X%3D1"


async def test_a_file_that_a_job_does_not_have_is_404(
    api: httpx.AsyncClient, store: JobStore, settings: Settings
) -> None:
    """Nor does a path lead out of the job."""
    job_id = await job_with(store, settings, ("book.pdf", b"%PDF", "application/pdf"))
    for name in ("other.pdf", "..%2f..%2fetc%2fpasswd", "%2e%2e"):
        assert (await api.get(f"/jobs/{job_id}/files/{name}")).status_code == 404


async def test_a_file_that_the_store_lost_is_404(api: httpx.AsyncClient, store: JobStore) -> None:
    """The record still names it, but it is not there."""
    claim = await running(store)
    lost = FileRef(name="book.pdf", key=f"{claim.lease.job_id}/none/book.pdf", content_type="application/pdf", size=1)
    await store.complete(claim.lease, result={}, files=[lost])
    response = await api.get(f"/jobs/{claim.lease.job_id}/files/book.pdf")
    assert response.status_code == 404
    assert response.json()["type"] == "urn:headrace:problem:file-not-found"


async def test_a_store_that_signs_serves_by_itself(
    api: httpx.AsyncClient, store: JobStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """307 to the signed URL; the bytes do not pass through the API."""
    job_id = await job_with(store, settings, ("book.pdf", b"%PDF", "application/pdf"))

    async def signed(_: FileStore, ref: FileRef) -> str:
        return f"https://storage.example/{ref.name}?signature=1"

    monkeypatch.setattr(FileStore, "signed_url", signed)
    response = await api.get(f"/jobs/{job_id}/files/book.pdf")
    assert response.status_code == 307
    assert response.headers["Location"] == "https://storage.example/book.pdf?signature=1"
