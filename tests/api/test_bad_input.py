"""What is wrong with a request is said by field, and nothing is stored."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from jobs.store import JobStore
from tests.api.conftest import STORY
from tests.support.inspector import Inspector

TWO_MEGABYTES = 2 * 1024 * 1024


@pytest.fixture(autouse=True)
async def nothing_stored(store: JobStore) -> AsyncIterator[None]:
    """No test here may leave a job, or any key at all."""
    yield
    assert await Inspector(store.redis).names("hr:*") == []


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in STORY.items() if name != field}


def fields_of(response: httpx.Response) -> list[str]:
    problem = response.json()
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == response.status_code
    assert problem["type"].startswith("urn:headrace:problem:")
    assert {"type", "title", "status", "detail", "instance"} <= problem.keys()
    return [error["field"] for error in problem.get("errors", [])]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (without("title"), "title"),
        (without("prompt"), "prompt"),
        (STORY | {"title": 3}, "title"),
        (STORY | {"title": "  "}, "title"),
        (STORY | {"title": "x" * 201}, "title"),
        (STORY | {"prompt": "x" * 4001}, "prompt"),
        (STORY | {"pages": "many"}, "pages"),
        (STORY | {"pages": 99}, "pages"),
        (STORY | {"pgaes": 6}, "pgaes"),
        (STORY | {"provider": "oracle"}, "provider"),
        (STORY | {"model": "a model?"}, "model"),
        (STORY | {"provider": "offline", "model": "gpt-5.4-mini"}, "model"),
        (STORY | {"provider": "local", "image_model": "gpt-image-2"}, "image_model"),
        (STORY | {"user_id": "a b"}, "user_id"),
        (STORY | {"user_id": "x" * 129}, "user_id"),
        (STORY | {"priority": 10}, "priority"),
        (STORY | {"max_attempts": 0}, "max_attempts"),
        (STORY | {"start_deadline_seconds": 0}, "start_deadline_seconds"),
        (STORY | {"time_limit_seconds": 0}, "time_limit_seconds"),
        (STORY | {"retention_seconds": 0}, "retention_seconds"),
        (STORY | {"dedup_key": ""}, "dedup_key"),
        (STORY | {"dedup_key": "x" * 129}, "dedup_key"),
        (STORY | {"dedup_key": "two words"}, "dedup_key"),
        (STORY | {"dedup_key": "k", "dedup_seconds": 0}, "dedup_seconds"),
        (STORY | {"dedup_seconds": 60}, "dedup_seconds"),
        (STORY | {"dedup_key": "k", "on_duplicate": "replace"}, "on_duplicate"),
        (STORY | {"on_duplicate": "reject"}, "on_duplicate"),
        (STORY | {"delay_seconds": -1}, "delay_seconds"),
        (STORY | {"delay_seconds": 366 * 86400}, "delay_seconds"),
        (STORY | {"run_at": "2026-12-01T09:00:00"}, "run_at"),
        (STORY | {"run_at": "9999-12-31T23:59:59-12:00"}, "run_at"),
        (STORY | {"run_at": 1_900_000_000}, "run_at"),
        (STORY | {"run_at": "soon"}, "run_at"),
        (STORY | {"run_at": "2026-12-01T09:00:00Z", "delay_seconds": 5}, "delay_seconds"),
        ([STORY], "body"),
        ("My Story", "body"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
async def test_a_wrong_field_is_named(api: httpx.AsyncClient, body: object, field: str) -> None:
    """422, with the field and what is wrong with it."""
    response = await api.post("/stories", json=body)
    assert response.status_code == 422
    assert field in fields_of(response)
    assert field in response.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "poem", "input": {}}, "kind"),
        ({"kind": "story"}, "input"),
        ({"kind": "story", "input": {"prompt": "p"}}, "input.title"),
        ({"kind": "story", "input": {"title": "t", "prompt": "p", "pages": 1}}, "input.pages"),
        ({"kind": "story", "input": {"title": "t", "prompt": "p", "colour": 1}}, "input.colour"),
        ({"kind": "story", "input": {"title": "t", "prompt": "p"}, "title": "t"}, "title"),
    ],
)
async def test_a_wrong_field_is_named_by_its_path(api: httpx.AsyncClient, body: object, field: str) -> None:
    """A job of any kind is checked as by the kind's own path."""
    response = await api.post("/jobs", json=body)
    assert response.status_code == 422
    assert field in fields_of(response)


async def test_of_many_faults_the_first_hundred_are_named(api: httpx.AsyncClient) -> None:
    """And how many there are."""
    response = await api.post("/stories", json=STORY | {f"field{number}": 1 for number in range(500)})
    assert response.status_code == 422
    assert len(fields_of(response)) == 100
    assert "At least 500 faults" in response.json()["detail"]


async def test_faults_beyond_number_are_counted(api: httpx.AsyncClient) -> None:
    """A megabyte of them is not answered with ten."""
    response = await api.post("/stories", json=STORY | {f"field{number}": 1 for number in range(50_000)})
    assert response.status_code == 422
    assert fields_of(response) == ["body"]
    assert "50000 faults" in response.json()["detail"]
    assert len(response.content) < 1000


@pytest.mark.parametrize("path", ["/stories", "/jobs"])
@pytest.mark.parametrize(
    "body",
    [b'{"title": "My Story",}', b"", b"{", b"\xff\xfe", b'{"title": "\\ud800"}', b"[" * 100_000],
    ids=["trailing comma", "empty", "cut off", "not UTF-8", "half a character", "endless nesting"],
)
async def test_malformed_json_is_refused_with_its_place(api: httpx.AsyncClient, path: str, body: bytes) -> None:
    """400, with line and column."""
    response = await api.post(path, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert fields_of(response) == ["body"]
    assert "line 1 column" in response.json()["detail"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_only_json_is_taken(api: httpx.AsyncClient, content_type: str | None) -> None:
    """415 for a body that is not declared as JSON, whatever is in it."""
    headers = {"Content-Type": content_type} if content_type else {}
    response = await api.post("/stories", content=json.dumps(STORY).encode(), headers=headers)
    assert response.status_code == 415
    assert fields_of(response) == []


@pytest.mark.parametrize("content_type", ["Application/JSON", "application/json; charset=utf-8"])
async def test_json_is_recognised_however_it_is_spelled(api: httpx.AsyncClient, content_type: str) -> None:
    """Case and parameters of a media type do not matter; the body is read, and found wanting."""
    response = await api.post("/stories", content=b"{}", headers={"Content-Type": content_type})
    assert response.status_code == 422


async def test_a_body_too_large_is_refused_by_its_declared_size(api: httpx.AsyncClient) -> None:
    """413, before it is read."""
    response = await api.post("/stories", json=STORY | {"prompt": "x" * TWO_MEGABYTES})
    assert response.status_code == 413
    assert fields_of(response) == []


async def test_a_body_too_large_is_refused_while_it_comes(api: httpx.AsyncClient) -> None:
    """413 also for a chunked body, which declares no size."""
    chunks = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal chunks
        while True:
            chunks += 1
            yield b" " * 65536

    response = await api.post("/stories", content=endless(), headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    assert fields_of(response) == []
    assert chunks <= 18


async def test_a_server_refuses_a_large_body_and_goes_on(live: httpx.AsyncClient) -> None:
    """Over a real connection, the next request on it is answered."""
    response = await live.post("/stories", json=STORY | {"prompt": "x" * TWO_MEGABYTES})
    assert response.status_code == 413
    assert (await live.get("/jobs")).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "sleeping"}, "state"),
        ({"kind": "poem"}, "kind"),
        ({"user_id": "a b"}, "user_id"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"created_before": "2020-01-01T00:00:00Z"}, "created_before"),
    ],
)
async def test_a_wrong_parameter_is_named(api: httpx.AsyncClient, query: dict[str, str], field: str) -> None:
    """422 for filters that cannot be meant."""
    response = await api.get("/jobs", params=query)
    assert response.status_code == 422
    assert fields_of(response) == [field]
