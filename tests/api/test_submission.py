"""What a client gets for a job that it submits."""

import json
from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest

from jobs import kinds
from jobs.settings import Settings
from jobs.store import JobStore
from tests.api.conftest import STORY, client_of
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import LANE

IN_STORY = {"title": "My Story", "prompt": "A magical adventure"}


async def test_a_story_is_accepted_with_the_place_to_look_at_it(api: httpx.AsyncClient) -> None:
    """202, `Location`, `Retry-After`, and the job itself."""
    response = await api.post("/stories", json=STORY)
    job = response.json()
    assert response.status_code == 202
    assert response.headers["Location"] == f"/jobs/{job['id']}" == job["urls"]["self"]
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["Content-Type"] == "application/json"
    assert job["kind"] == "story"
    assert job["state"] == "queued"
    assert job["user_id"] == STORY["user_id"]
    usual = {"provider": None, "model": None, "image_model": None}
    assert job["input"] == {"title": "My Story", "prompt": "A magical adventure", "pages": 6, "seed": 0, **usual}
    assert "Idempotent-Replayed" not in response.headers


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"user_id": None},
        {"priority": 0, "max_attempts": 7, "start_deadline_seconds": 90},
        {"run_at": "2001-01-01T00:00:00Z"},
        {"time_limit_seconds": 60, "retention_seconds": 3600},
    ],
    ids=["as usual", "nobody's", "with options", "for a time that has passed", "with limits"],
)
async def test_the_answer_equals_what_is_stored(api: httpx.AsyncClient, options: dict[str, object]) -> None:
    """The job in the 202 is the job that GET shows, but for its place in the queue."""
    response = await api.post("/stories", json=STORY | options)
    stored = (await api.get(response.headers["Location"])).json()
    assert stored["queue"].pop("position") == 0
    told = response.json()
    assert told["queue"].pop("position") is None
    assert told == stored
    assert list(told) == list(stored)


@pytest.mark.parametrize("when", ["run_at", "delay_seconds"])
async def test_the_answer_for_a_later_job_equals_what_is_stored(api: httpx.AsyncClient, when: str) -> None:
    date = datetime.now(UTC) + timedelta(minutes=10)
    value = date.astimezone(timezone(timedelta(hours=2))).isoformat() if when == "run_at" else 600
    response = await api.post("/jobs", json={"kind": "story", "input": IN_STORY, when: value})
    assert response.status_code == 202
    stored = (await api.get(response.headers["Location"])).json()
    assert response.json() == stored
    assert stored["state"] == stored["waiting"]["on"] == "scheduled"
    due = datetime.fromisoformat(stored["run_at"])
    assert abs(due - date) < timedelta(minutes=1)
    assert 500 < int(response.headers["Retry-After"]) <= 600
    assert datetime.fromisoformat(stored["deadline"]) > due


async def test_a_batch_can_be_for_later(api: httpx.AsyncClient) -> None:
    one = {"custom_id": "a", "kind": "story", "input": IN_STORY}
    batch = (await api.post("/batches", json={"jobs": [one], "delay_seconds": 600})).json()
    assert batch["counts"]["scheduled"] == 1
    lines = await api.post(
        "/batches?delay_seconds=600", content=json.dumps(one), headers={"Content-Type": "application/jsonl"}
    )
    assert lines.json()["counts"]["scheduled"] == 1


async def test_a_job_of_a_batch_can_have_a_time_of_its_own(api: httpx.AsyncClient) -> None:
    """Which comes before the batch's, and makes it another request."""
    one, key = {"kind": "story", "input": IN_STORY}, {"Idempotency-Key": "k"}
    jobs = [{"custom_id": "a", **one}, {"custom_id": "b", **one, "delay_seconds": 60}]
    at_once = {"custom_id": "c", **one, "delay_seconds": 0}
    body = {"jobs": [*jobs, at_once], "delay_seconds": 600}
    batch = (await api.post("/batches", json=body, headers=key)).json()
    assert {state: count for state, count in batch["counts"].items() if count} == {"scheduled": 2, "queued": 1}
    listed = {job["custom_id"]: job for job in (await api.get("/jobs")).json()["jobs"]}
    waits = {
        name: datetime.fromisoformat(listed[name]["run_at"]) - datetime.fromisoformat(listed[name]["created_at"])
        for name in "ab"
    }
    assert waits == {"a": timedelta(minutes=10), "b": timedelta(minutes=1)}
    other = body | {"jobs": jobs}
    assert (await api.post("/batches", json=body, headers=key)).headers["Idempotent-Replayed"] == "true"
    assert (await api.post("/batches", json=other, headers=key)).status_code == 422


async def test_any_kind_can_be_submitted_by_name(api: httpx.AsyncClient) -> None:
    """`POST /jobs` makes the same job as the kind's own path."""
    content = {"title": "My Story", "prompt": "A magical adventure"}
    response = await api.post("/jobs", json={"kind": "story", "input": content, "priority": 9})
    assert response.status_code == 202
    job = (await api.get(response.headers["Location"])).json()
    assert (job["kind"], job["priority"], job["input"]["title"]) == ("story", 9, "My Story")


async def test_an_accepted_job_has_its_message_on_the_broker(api: httpx.AsyncClient, store: JobStore) -> None:
    """The 202 is only given for a job that a worker will hear of."""
    job_id = (await api.post("/stories", json=STORY)).json()["id"]
    assert await Inspector(store.redis).messages(LANE) == [job_id]


async def test_every_kind_has_a_path_of_its_own(api: httpx.AsyncClient) -> None:
    """The registry is all there is to it: `GET /kinds` lists path and schemas."""
    listed = {kind["name"]: kind for kind in (await api.get("/kinds")).json()["kinds"]}
    assert listed.keys() == {kind.name for kind in kinds.known()}
    paths = (await api.get("/openapi.json")).json()["paths"]
    for kind in kinds.known():
        assert "post" in paths[kind.path]
        assert listed[kind.name]["path"] == kind.path
        assert listed[kind.name]["input"]["properties"].keys() == kind.input.model_fields.keys()
        assert listed[kind.name]["time_limit_seconds"] == kind.time_limit.total_seconds()


async def test_a_client_is_no_more_urgent_than_the_deployment_lets_it_be(settings: Settings, store: JobStore) -> None:
    async with client_of(settings.model_copy(update={"most_urgent_priority": 5})) as api:
        refused = await api.post("/stories", json=STORY | {"priority": 4})
        unsaid, asked = await api.post("/stories", json=STORY), await api.post("/stories", json=STORY | {"priority": 7})
        one = {"custom_id": "a", "kind": "story", "input": {"title": "My Story", "prompt": "A magical adventure"}}
        in_a_batch = await api.post("/batches", json={"jobs": [one], "priority": 0})

    assert refused.status_code == 422
    assert "must be 5 to 9" in refused.text
    assert [(await store.get(one.json()["id"])).priority for one in (unsaid, asked)] == [5, 7]
    assert in_a_batch.status_code == 422


# -- dedup_key ---------------------------------------------------------------------------------------------------------

ONCE = STORY | {"dedup_key": "book-17"}


@pytest.mark.parametrize("scope", [{}, {"dedup_seconds": 60}], ids=["active", "a time"])
async def test_a_duplicate_is_answered_with_the_first_job(api: httpx.AsyncClient, scope: dict[str, object]) -> None:
    """200 and the body of GET; there is no second job."""
    first = await api.post("/stories", json=ONCE | scope)
    second = await api.post("/jobs", json={"kind": "story", "input": IN_STORY, **_options(ONCE | scope)})

    assert (first.status_code, second.status_code) == (202, 200)
    assert second.headers["Location"] == first.headers["Location"]
    assert second.json() == (await api.get(first.headers["Location"])).json()
    assert second.json()["dedup_key"] == "book-17"
    assert len((await api.get("/jobs")).json()["jobs"]) == 1


async def test_the_answer_with_a_dedup_key_equals_what_is_stored(api: httpx.AsyncClient) -> None:
    told = (await api.post("/stories", json=ONCE)).json()
    stored = (await api.get(told["urls"]["self"])).json()
    assert told | {"queue": None} == stored | {"queue": None}


async def test_a_duplicate_can_be_refused(api: httpx.AsyncClient) -> None:
    first = (await api.post("/stories", json=ONCE)).json()
    response = await api.post("/stories", json=ONCE | {"on_duplicate": "reject"})
    assert response.status_code == 409
    assert response.json()["type"] == "urn:headrace:problem:duplicate-job"
    assert first["id"] in response.json()["detail"]


def _options(body: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if name not in IN_STORY}


# -- Limits ------------------------------------------------------------------------------------------------------------


async def test_a_retry_has_the_limits_of_its_job(api: httpx.AsyncClient) -> None:
    limits = {"time_limit_seconds": 60, "retention_seconds": 3600}
    job = (await api.post("/stories", json=STORY | limits)).json()
    await api.post(job["urls"]["cancel"])
    retry = (await api.post(job["urls"]["retry"])).json()
    assert {name: retry[name] for name in limits} == limits


@pytest.mark.parametrize("limit", ["time_limit_seconds", "retention_seconds"])
async def test_a_limit_is_no_longer_than_it_may_be(settings: Settings, limit: str) -> None:
    """A run than its kind's; what is kept than the deployment's."""
    longest = int(
        (kinds.get("story").time_limit if limit == "time_limit_seconds" else settings.retention).total_seconds()
    )
    one = {"custom_id": "a", "kind": "story", "input": IN_STORY}
    async with client_of(settings) as api:
        fits = await api.post("/stories", json=STORY | {limit: longest})
        assert fits.status_code == 202
        assert fits.json()[limit] == longest
        for path, body in (
            ("/stories", STORY | {limit: longest + 1}),
            ("/jobs", {"kind": "story", "input": IN_STORY, limit: longest + 1}),
            ("/batches", {"jobs": [one], limit: longest + 1}),
        ):
            refused = await api.post(path, json=body)
            assert refused.status_code == 422
            assert [error["field"] for error in refused.json()["errors"]] == [limit]
            assert str(longest) in refused.json()["detail"]
