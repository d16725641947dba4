"""`Idempotency-Key`: a request sent twice makes one job."""

import httpx
import pytest

from jobs.states import State
from jobs.store import JobStore
from tests.api.conftest import STORY
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import claimed, ended, story

KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
BY_NAME = {"kind": "story", "input": {"title": "My Story", "prompt": "A magical adventure"}}


@pytest.mark.parametrize(("path", "body"), [("/stories", STORY), ("/jobs", BY_NAME)])
async def test_the_same_request_is_answered_with_the_same_job(
    api: httpx.AsyncClient, store: JobStore, path: str, body: dict[str, object]
) -> None:
    """The second 202 says that it is a replay; there is one job."""
    first = await api.post(path, json=body, headers=KEY)
    again = await api.post(path, json=body, headers=KEY)
    assert (first.status_code, again.status_code) == (202, 202)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert len(await Inspector(store.redis).names("hr:job:????????-????-????-????-????????????")) == 1


async def test_a_replay_shows_the_job_as_it_is_now(api: httpx.AsyncClient, store: JobStore) -> None:
    """Not a recording of the first answer."""
    job_id = (await api.post("/stories", json=STORY, headers=KEY)).json()["id"]
    await claimed(store, job_id)
    again = await api.post("/stories", json=STORY, headers=KEY)
    assert again.json()["state"] == "running"


async def test_defaults_and_spelling_do_not_make_another_request(api: httpx.AsyncClient) -> None:
    """What counts is the request as it was understood."""
    first = await api.post("/stories", json=STORY, headers=KEY)
    spelled = {"pages": 6, "priority": 3, **STORY, "title": " My Story "}
    again = await api.post("/stories", json=spelled, headers=KEY)
    assert again.headers["Location"] == first.headers["Location"]


@pytest.mark.parametrize("change", [{"title": "Another"}, {"priority": 0}, {"max_attempts": 1}])
async def test_another_request_under_the_same_key_is_refused(api: httpx.AsyncClient, change: dict[str, object]) -> None:
    """422, and the first job is left alone."""
    await api.post("/stories", json=STORY, headers=KEY)
    response = await api.post("/stories", json=STORY | change, headers=KEY)
    assert response.status_code == 422
    assert response.json()["type"] == "urn:headrace:problem:idempotency-conflict"
    assert "Idempotency-Key" in response.json()["detail"]


async def test_users_do_not_share_keys(api: httpx.AsyncClient) -> None:
    """A key is its user's own."""
    first = await api.post("/stories", json=STORY, headers=KEY)
    other = await api.post("/stories", json=STORY | {"user_id": "someone-else"}, headers=KEY)
    assert other.status_code == 202
    assert other.headers["Location"] != first.headers["Location"]


@pytest.mark.parametrize("name", ["anonymous", "None", ":"])
async def test_no_user_shares_keys_with_requests_without_one(api: httpx.AsyncClient, name: str) -> None:
    """Whatever the name."""
    without = {field: value for field, value in STORY.items() if field != "user_id"}
    first = await api.post("/stories", json=without, headers=KEY)
    other = await api.post("/stories", json=without | {"user_id": name}, headers=KEY)
    assert (first.status_code, other.status_code) == (202, 202)


async def test_a_key_may_be_quoted(api: httpx.AsyncClient) -> None:
    """As a structured-field string, which is what the draft asks for; it is the same key as the bare one."""
    first = await api.post("/stories", json=STORY, headers={"Idempotency-Key": 'a\\"b'})
    again = await api.post("/stories", json=STORY, headers={"Idempotency-Key": '"a\\\\\\"b"'})
    assert again.headers["Location"] == first.headers["Location"]


@pytest.mark.parametrize("key", ["", '""', "a b", "x" * 256, '"open', "sch\u00f6n", '"a"; b=1'])
async def test_a_bad_key_is_refused(api: httpx.AsyncClient, store: JobStore, key: str) -> None:
    """400 naming the header, and nothing is stored."""
    response = await api.post("/stories", json=STORY, headers=[(b"Idempotency-Key", key.encode("latin-1"))])
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == ["Idempotency-Key"]
    assert await Inspector(store.redis).names("hr:job:*") == []


async def test_a_retry_can_be_repeated_under_its_key(api: httpx.AsyncClient, store: JobStore) -> None:
    """The key is that of the job's user."""
    job_id = await ended(store, State.FAILED, story(user_id="ann"))
    first = await api.post(f"/jobs/{job_id}/retry", headers=KEY)
    again = await api.post(f"/jobs/{job_id}/retry", headers=KEY)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    other = await ended(store, State.FAILED, story(user_id="ann"))
    assert (await api.post(f"/jobs/{other}/retry", headers=KEY)).status_code == 422
