"""`POST /jobs/{id}/retry` with a body: what is made anew, and what is wrong with asking for it."""

import json

import httpx
import pytest

from jobs.states import State
from jobs.store import JobStore
from tests.support.jobs_at_hand import claimed, ended, queued, running


async def _completed(store: JobStore) -> str:
    claim = await running(store)
    for phase, step in enumerate(["outline", "page:1", "book"]):
        await store.save_step(claim.lease, step, json.dumps({"phase": phase, "value": step}))
    await store.complete(claim.lease, result={})
    return claim.lease.job_id


async def test_a_completed_job_is_made_anew_from_a_step(api: httpx.AsyncClient, store: JobStore) -> None:
    """A new job with the steps before; the same again for the same body; another seed goes into its input."""
    job_id = await _completed(store)
    path = f"/jobs/{job_id}/retry"
    response = await api.post(path, json={"from_step": "page:1", "seed": 7})
    retry = response.json()
    assert response.status_code == 202
    assert (retry["retry_of"], retry["input"]["seed"], retry["input"]["title"]) == (job_id, 7, "The Fox")
    assert (await claimed(store, retry["id"])).steps.keys() == {"outline"}
    again = await api.post(path, json={"from_step": "page:1", "seed": 7})
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (retry["id"], "true")
    assert (await api.post(path, json={"from_step": "page:1"})).json()["id"] != retry["id"]


async def test_a_key_is_for_one_step(api: httpx.AsyncClient, store: JobStore) -> None:
    """The body is part of what an Idempotency-Key stands for."""
    path = f"/jobs/{await _completed(store)}/retry"
    key = {"Idempotency-Key": "k1"}
    assert (await api.post(path, json={"from_step": "book"}, headers=key)).status_code == 202
    assert (await api.post(path, json={"from_step": "page:1"}, headers=key)).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"from_step": "page:9"}, "from_step"),
        ({"from_step": ""}, "from_step"),
        ({"from_step": 3}, "from_step"),
        ({"from_step": "book", "seed": -1}, "seed"),
        ({"seed": 3}, "body"),
        ({"step": "book"}, "step"),
        ([], "body"),
    ],
)
async def test_a_wrong_field_is_named(api: httpx.AsyncClient, store: JobStore, body: object, field: str) -> None:
    """And nothing is made."""
    job_id = await _completed(store)
    response = await api.post(f"/jobs/{job_id}/retry", json=body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert len((await api.get("/jobs")).json()["jobs"]) == 1


async def test_an_unknown_step_is_answered_with_those_there_are(api: httpx.AsyncClient, store: JobStore) -> None:
    """So that a client that guessed wrong can go on."""
    response = await api.post(f"/jobs/{await _completed(store)}/retry", json={"from_step": "page:9"})
    assert "Saved: book, outline, page:1." in response.json()["detail"]


async def test_a_body_that_is_no_json_is_refused(api: httpx.AsyncClient, store: JobStore) -> None:
    """As everywhere; no body at all is a plain retry."""
    path = f"/jobs/{await ended(store, State.FAILED)}/retry"
    assert (await api.post(path, content=b"from_step=book")).status_code == 415
    assert (await api.post(path, content=b"{", headers={"Content-Type": "application/json"})).status_code == 400
    assert (await api.post(path, headers={"Content-Type": "application/json"})).status_code == 202


async def test_what_has_not_ended_or_is_whole_says_what_to_do(api: httpx.AsyncClient, store: JobStore) -> None:
    """409 with the remedy."""
    waiting = await api.post(f"/jobs/{await queued(store)}/retry", json={"from_step": "outline"})
    done = await api.post(f"/jobs/{await _completed(store)}/retry")
    assert (waiting.status_code, done.status_code) == (409, 409)
    assert "cancel it first" in waiting.json()["detail"]
    assert "from_step" in done.json()["detail"]
