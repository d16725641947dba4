"""Uploads: pictures are checked before they are kept, and a job can name only what is there."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr

from api.picture_header import size_of, type_of
from jobs import keys
from jobs.settings import Settings
from jobs.store import JobStore
from tests.api.conftest import client_of
from tests.support.inspector import Inspector
from tests.support.pictures import drawing, encoded

PAGES = "/coloring-pages"
UNKNOWN = "0f8fad5b-d9cb-469f-a165-70867728950e"
PICTURE = encoded(drawing())


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    """Uploads of up to 100 kB, larger than other bodies."""
    return Settings.model_validate(
        {
            "redis_url": redis_url,
            "files_url": f"file://{tmp_path / 'files'}",
            "max_body_bytes": 10_000,
            "max_upload_bytes": 100_000,
        }
    )


async def send(api: httpx.AsyncClient, data: Any, content_type: str = "image/png") -> httpx.Response:  # noqa: ANN401
    return await api.post("/uploads", content=data, headers={"Content-Type": content_type})


async def kept(store: JobStore, tmp_path: Path) -> int:
    """Uploads in Redis and in the file store, which must agree."""
    files = list((tmp_path / "files").rglob("*-*"))
    names = await Inspector(store.redis).names("hr:upload:*")
    assert len(files) == len(names)
    return len(names)


@pytest.mark.parametrize(
    ("form", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")]
)
async def test_a_picture_is_kept_for_the_retention_time(
    api: httpx.AsyncClient, store: JobStore, tmp_path: Path, form: str, content_type: str
) -> None:
    """201, with what was found in its header; its record in Redis ends by itself."""
    data = encoded(drawing(), form)
    response = await send(api, data, content_type)
    assert response.status_code == 201
    body = response.json()
    assert (body["content_type"], body["size"], body["width"], body["height"]) == (content_type, len(data), 640, 480)
    left = datetime.fromisoformat(body["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=7) - left < timedelta(minutes=1)
    assert await kept(store, tmp_path) == 1
    assert 0 < await store.redis.ttl(f"hr:upload:{body['id']}") <= 7 * 86400
    assert (tmp_path / "files" / "uploads" / body["id"]).read_bytes() == data


async def test_a_job_can_name_an_upload(api: httpx.AsyncClient) -> None:
    upload = (await send(api, PICTURE)).json()["id"]
    response = await api.post(PAGES, json={"image": upload, "detail": "simple"})
    assert response.status_code == 202
    assert response.json()["input"]["image"] == upload
    response = await api.post("/jobs", json={"kind": "coloring_page", "input": {"image": upload}})
    assert response.status_code == 202


@pytest.mark.parametrize("path", [PAGES, "/jobs", "/batches"])
async def test_a_replay_outlives_the_upload(api: httpx.AsyncClient, store: JobStore, path: str) -> None:
    """It is answered with the job that was made while the upload was there; another request is not."""
    upload = (await send(api, PICTURE)).json()["id"]
    job = {"kind": "coloring_page", "input": {"image": upload}}
    bodies: dict[str, Any] = {PAGES: job["input"], "/jobs": job, "/batches": {"jobs": [{"custom_id": "a", **job}]}}

    async def post(key: str) -> httpx.Response:
        return await api.post(path, json=bodies[path], headers={"Idempotency-Key": key})

    first = await post("k")
    await store.redis.delete(keys.upload(upload))
    again, other = await post("k"), await post("l")

    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert again.headers["Location"] == first.headers["Location"]
    assert "POST /uploads" in other.json()["detail"]


@pytest.mark.parametrize(
    ("data", "content_type", "status", "remedy"),
    [
        (b"x" * 100_001, "image/png", 413, "Send a smaller one"),
        (PICTURE, "image/gif", 415, "image/png or image/jpeg or image/webp"),
        (PICTURE, "application/json", 415, "image/png"),
        (b"", "image/png", 422, "send the bytes of one"),
        (b"GIF89a" + bytes(100), "image/png", 422, "send the bytes of one"),
        (PICTURE, "image/jpeg", 422, "send it with Content-Type: image/png"),
        (PICTURE[:20], "image/png", 422, "send the whole file"),
        (encoded(drawing(), "JPEG")[:100], "image/jpeg", 422, "send the whole file"),
        (encoded(drawing(), "WEBP")[:20], "image/webp", 422, "send the whole file"),
        (encoded(Image.new("RGB", (1, 1))), "image/png", 422, "at least 64 x 64"),
        (encoded(Image.new("1", (7000, 6000))), "image/png", 422, "at most 40 megapixels"),
    ],
    ids=["large", "type", "json", "empty", "magic", "other type", "png cut", "jpeg cut", "webp cut", "1x1", "bomb"],
)
async def test_what_is_no_picture_for_a_page_is_refused(
    api: httpx.AsyncClient, store: JobStore, tmp_path: Path, data: bytes, content_type: str, status: int, remedy: str
) -> None:
    """The problem says what to do, and nothing is kept."""
    response = await send(api, data, content_type)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert remedy in response.json()["detail"]
    if status == 422:
        assert [error["field"] for error in response.json()["errors"]] == ["body"]
    assert await kept(store, tmp_path) == 0


async def test_an_endless_upload_is_refused_while_it_comes(api: httpx.AsyncClient) -> None:
    """413, although its size was not declared."""
    chunks = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal chunks
        while True:
            chunks += 1
            yield PICTURE[:8] + bytes(10_000)

    assert (await send(api, endless())).status_code == 413
    assert chunks <= 11


async def test_other_bodies_keep_their_own_limit(api: httpx.AsyncClient) -> None:
    assert (await api.post(PAGES, content=b" " * 10_001)).status_code == 413


async def test_uploads_need_the_token_too(settings: Settings) -> None:
    async with client_of(settings.model_copy(update={"api_token": SecretStr("secret")})) as api:
        assert (await send(api, PICTURE)).status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "prompt"),
        ({"prompt": "a fox", "image": UNKNOWN}, "prompt"),
        ({"prompt": "  "}, "prompt"),
        ({"prompt": "x" * 2001}, "prompt"),
        ({"image": "me.png"}, "image"),
        ({"image": UNKNOWN}, "image"),
        ({"prompt": "a fox", "detail": "rich"}, "detail"),
        ({"prompt": "a fox", "paper": "A3"}, "paper"),
        ({"prompt": "a fox", "title": ""}, "title"),
        ({"prompt": "a fox", "seed": -1}, "seed"),
        ({"prompt": "a fox", "pages": 2}, "pages"),
    ],
)
async def test_a_wrong_field_of_a_page_is_named(
    api: httpx.AsyncClient, store: JobStore, body: dict[str, Any], field: str
) -> None:
    """On both paths; nothing is stored."""
    response = await api.post(PAGES, json=body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    response = await api.post("/jobs", json={"kind": "coloring_page", "input": body})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [f"input.{field}"]
    assert await Inspector(store.redis).names("hr:*") == []


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\x01", b"\xff\xe0\x00\x02"], ids=["fill", "bare", "empty segments"])
def test_a_header_without_end_is_given_up(filling: bytes) -> None:
    """Even when a frame comes at last: requests wait while it is looked for."""
    frame = b"\xff\xc0\x00\x11\x08\x01\x00\x01\x00" + bytes(10)
    assert size_of(b"\xff\xd8" + filling * 100 + frame) == (256, 256)
    assert size_of(b"\xff\xd8" + filling * 1_000_000 + frame) is None


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"icc_profile": bytes(150_000), "comment": b"long"}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 50}),
        ("WEBP", {"exif": b"Exif\0\0MM"}),
    ],
)
def test_the_size_is_read_from_any_header(form: str, options: dict[str, Any]) -> None:
    """And from no part of one that is too short to have it."""
    data = encoded(drawing().resize((333, 77)), form, **options)
    assert size_of(data) == (333, 77)
    assert type_of(data) == f"image/{form.lower()}"
    sizes = {size_of(data[:length]) for length in range(60)}
    assert sizes <= {None, (333, 77)}
