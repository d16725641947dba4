"""Batches over REST."""

import json
import tracemalloc
from typing import Any

import httpx
import pytest

from jobs.settings import Settings
from jobs.store import JobStore
from tests.api.conftest import client_of
from tests.api.sse import blocks
from tests.support.jobs_at_hand import claimed

INPUT = {"title": "My Story", "prompt": "A magical adventure"}
Entry = dict[str, Any]


def entry(custom_id: str, **further: object) -> Entry:
    return {"custom_id": custom_id, "kind": "story", "input": INPUT, **further}


def lines(*entries: Entry) -> bytes:
    return b"\n".join(json.dumps(one).encode() for one in entries)


async def post(api: httpx.AsyncClient, entries: list[Entry], **options: object) -> httpx.Response:
    return await api.post("/batches", json={"jobs": entries, **options})


async def post_lines(api: httpx.AsyncClient, body: bytes, **options: str) -> httpx.Response:
    return await api.post("/batches", content=body, params=options, headers={"Content-Type": "application/jsonl"})


async def results(api: httpx.AsyncClient, batch: Entry) -> list[Entry]:
    response = await api.get(batch["urls"]["results"])
    assert response.headers["content-type"] == "application/jsonl"
    return [json.loads(line) for line in response.text.splitlines()]


async def test_a_batch_is_accepted(api: httpx.AsyncClient) -> None:
    response = await post(api, [entry("a"), entry("b")], user_id="ann", priority=7)

    assert response.status_code == 202
    batch = response.json()
    assert response.headers["Location"] == batch["urls"]["self"] == f"/batches/{batch['id']}"
    assert (batch["state"], batch["total"], batch["counts"]["queued"], batch["user_id"]) == ("running", 2, 2, "ann")
    assert (await api.get(batch["urls"]["self"])).json() == batch
    job = (await api.get((await results(api, batch))[1]["url"])).json()
    assert (job["custom_id"], job["batch"], job["priority"], job["user_id"]) == ("b", batch["id"], 7, "ann")


async def test_json_lines_are_taken_too(api: httpx.AsyncClient) -> None:
    response = await post_lines(api, lines(entry("a"), entry("b")) + b"\n\n", user_id="ann", priority="7")

    assert response.status_code == 202, response.text
    assert [one["custom_id"] for one in await results(api, response.json())] == ["a", "b"]
    [job, _] = (await api.get("/jobs", params={"user_id": "ann"})).json()["jobs"]
    assert job["priority"] == 7


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ([], "jobs"),
        ([entry("a"), entry("a")], "jobs.1.custom_id"),
        ([entry("a b")], "jobs.0.custom_id"),
        ([entry("a", delay_seconds=-1)], "jobs.0.delay_seconds"),
        ([entry("a", run_at="2026-12-01T09:00:00")], "jobs.0.run_at"),
        ([entry("a", run_at="2026-12-01T09:00:00Z", delay_seconds=1)], "jobs.0.delay_seconds"),
        ([entry("a"), entry("b", kind="sculpture")], "jobs.1.kind"),
        ([entry("a"), entry("b", input={"title": "No idea"})], "jobs.1.input.prompt"),
        ([entry("a", priority=3)], "jobs.0.priority"),
    ],
)
async def test_one_bad_job_refuses_the_batch(api: httpx.AsyncClient, entries: list[Entry], field: str) -> None:
    response = await post(api, entries)

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert (await api.get("/jobs")).json()["jobs"] == []


async def test_an_unknown_upload_is_named(api: httpx.AsyncClient) -> None:
    response = await post(api, [entry("a"), entry("b", kind="coloring_page", input={"image": "none"})])

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "jobs.1.input.image"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (lines(entry("a")) + b"\nnothing", "line 2"),
        (b"\n" + lines(entry("a", input={})), "line 2.input.title"),
        (lines(entry("a"), entry("a")), "line 2.custom_id"),
    ],
)
async def test_a_bad_line_is_named(api: httpx.AsyncClient, body: bytes, field: str) -> None:
    response = await post_lines(api, body)

    assert response.status_code in {400, 422}
    assert response.json()["errors"][0]["field"] == field, response.text


async def test_a_bad_option_of_json_lines_is_named(api: httpx.AsyncClient) -> None:
    response = await post_lines(api, lines(entry("a")), priority="urgent")

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "priority"


async def test_other_bodies_are_refused(api: httpx.AsyncClient) -> None:
    response = await api.post("/batches", content=b"a,b", headers={"Content-Type": "text/csv"})

    assert response.status_code == 415
    assert "application/jsonl" in response.json()["detail"]


async def test_of_many_faults_the_first_hundred_are_told(api: httpx.AsyncClient) -> None:
    response = await post(api, [entry(str(number), input={}) for number in range(200)])

    assert response.status_code == 422
    assert len(response.json()["errors"]) == 100


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/jsonl", b"11\n" * 1_000_000),
        ("application/jsonl", b"{" + b",".join(b'"%d":1' % number for number in range(300_000)) + b"}"),
        ("application/json", b'{"jobs":[' + b"1," * 1_500_000 + b"1]}"),
        ("application/json", b'{"jobs":[{' + b",".join(b'"%d":1' % number for number in range(300_000)) + b"}]}"),
        ("application/json", b"{" + b",".join(b'"%d":1' % number for number in range(300_000)) + b"}"),
    ],
    ids=["lines", "fields of a line", "jobs", "fields of a job", "fields"],
)
async def test_a_bad_body_takes_no_more_than_thirty_times_its_size(
    api: httpx.AsyncClient, content_type: str, body: bytes
) -> None:
    """However many faults are in it. Pydantic keeps the whole object with each field that it misses."""
    tracemalloc.start()
    response = await api.post("/batches", content=body, headers={"Content-Type": content_type})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert response.status_code == 422
    assert len(response.json()["errors"]) <= 100
    assert len(response.content) < 100_000
    assert most < 30 * len(body)


async def test_a_line_too_many_is_named(api: httpx.AsyncClient) -> None:
    response = await post_lines(api, lines(*[entry(str(number)) for number in range(10_002)]))

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["line 10001"]


async def test_a_batch_may_be_larger_than_a_job(settings: Settings) -> None:
    async with client_of(settings.model_copy(update={"max_body_bytes": 1024, "max_batch_bytes": 4096})) as api:
        assert (await post(api, [entry(str(number)) for number in range(15)])).status_code == 202
        refused = await post(api, [entry(str(number)) for number in range(100)])

    assert refused.status_code == 413
    assert "4096" in refused.json()["detail"]


async def test_the_same_key_makes_one_batch(api: httpx.AsyncClient) -> None:
    async def send(custom_id: str) -> httpx.Response:
        headers = {"Content-Type": "application/jsonl", "Idempotency-Key": "k"}
        return await api.post("/batches", content=lines(entry(custom_id)), headers=headers)

    first, again, other = await send("a"), await send("a"), await send("b")

    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 422
    assert len((await api.get("/jobs")).json()["jobs"]) == 1


async def test_a_cancelled_batch_ends_at_once(api: httpx.AsyncClient) -> None:
    batch = (await post(api, [entry("a"), entry("b")])).json()

    cancelled = (await api.post(batch["urls"]["cancel"])).json()

    assert (cancelled["state"], cancelled["counts"]["cancelled"]) == ("cancelled", 2)
    assert (await api.post(batch["urls"]["cancel"])).json() == cancelled


async def test_its_events_end_with_the_batch(api: httpx.AsyncClient, store: JobStore) -> None:
    batch = (await post(api, [entry("a"), entry("b")])).json()
    first, second = [one["job_id"] for one in await results(api, batch)]
    await store.complete((await claimed(store, first)).lease, result={})
    await store.cancel(second)

    async with api.stream("GET", batch["urls"]["events"]) as response:
        events = [block.event async for block in blocks(response) if block.event]

    assert events == ["running", "job", "job", "completed"]
    history = (await api.get(batch["urls"]["events"], headers={"Accept": "application/json"})).json()
    assert [event["data"].get("custom_id") for event in history["events"]] == [None, "a", "b", None]
    seen = await api.get(batch["urls"]["events"], headers={"Last-Event-ID": "4"})
    assert seen.status_code == 204


@pytest.mark.slow
async def test_ten_thousand_jobs_are_one_batch(api: httpx.AsyncClient) -> None:
    response = await post(api, [entry(str(number)) for number in range(10_000)])
    assert response.status_code == 202
    assert response.json()["counts"]["queued"] == 10_000

    refused = await post(api, [entry(str(number)) for number in range(10_001)])
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "jobs"


@pytest.mark.parametrize("path", ["", "/results", "/events"])
async def test_an_unknown_batch_is_not_found(api: httpx.AsyncClient, path: str) -> None:
    response = await api.get(f"/batches/none{path}")

    assert response.status_code == 404
    assert response.json()["title"] == "No such batch"
