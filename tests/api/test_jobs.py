"""Jobs are looked at, listed, cancelled and retried."""

from datetime import timedelta

import httpx
import pytest

from jobs.model import Progress
from jobs.settings import Settings
from jobs.states import FINAL, State
from jobs.store import JobStore
from tests.support.inspector import Inspector
from tests.support.jobs_at_hand import claimed, ended, queued, running, scheduled, story


async def test_a_job_says_what_can_be_done_with_it(api: httpx.AsyncClient, store: JobStore) -> None:
    """Its URLs are in it."""
    job_id = await queued(store)
    job = (await api.get(f"/jobs/{job_id}")).json()
    assert job["urls"] == {
        "self": f"/jobs/{job_id}",
        "events": f"/jobs/{job_id}/events",
        "cancel": f"/jobs/{job_id}/cancel",
        "retry": f"/jobs/{job_id}/retry",
    }


async def test_polling_costs_little_while_nothing_changes(api: httpx.AsyncClient, store: JobStore) -> None:
    """304 without a body for an ETag that is still right; the whole job once it is not."""
    claim = await running(store)
    path = f"/jobs/{claim.lease.job_id}"
    first = await api.get(path)
    known = {"If-None-Match": f'"other", W/{first.headers["ETag"]}'}
    unchanged = await api.get(path, headers=known)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["ETag"] == first.headers["ETag"]
    await store.progress(claim.lease, Progress(fraction=0.5, phase="page"))
    changed = await api.get(path, headers=known)
    assert changed.status_code == 200
    assert changed.json()["progress"]["fraction"] == 0.5
    assert changed.headers["ETag"] != first.headers["ETag"]


async def test_a_job_says_when_to_ask_again(api: httpx.AsyncClient, store: JobStore) -> None:
    """Soon while it waits or runs, after its retry time when it waits for that, never once it has ended."""
    waiting = await api.get(f"/jobs/{await queued(store)}")
    retrying = await api.get(f"/jobs/{(await scheduled(store)).lease.job_id}")
    done = await api.get(f"/jobs/{await ended(store, State.COMPLETED)}")
    assert 1 <= int(waiting.headers["Retry-After"]) <= 10
    assert 3500 < int(retrying.headers["Retry-After"]) <= 3600
    assert "Retry-After" not in done.headers


async def test_a_list_is_read_a_page_at_a_time(api: httpx.AsyncClient, store: JobStore) -> None:
    """`next_cursor` and the `Link` header lead through all of it, newest first."""
    made = [await queued(store, story(user_id="ann")) for _ in range(5)]
    await queued(store, story(user_id="bob"))
    first = await api.get("/jobs", params={"user_id": "ann", "limit": 2})
    second = await api.get(first.links["next"]["url"])
    assert [job["id"] for job in first.json()["jobs"]] == made[:2:-1]
    assert [job["id"] for job in second.json()["jobs"]] == made[2:0:-1]
    query = {"user_id": "ann", "limit": "2", "cursor": second.json()["next_cursor"]}
    last = await api.get("/jobs", params=query)
    assert [job["id"] for job in last.json()["jobs"]] == made[:1]
    rest = last.json()["next_cursor"]
    assert rest is None or (await api.get("/jobs", params=query | {"cursor": rest})).json()["jobs"] == []


async def test_a_list_is_narrowed_by_state_and_kind(api: httpx.AsyncClient, store: JobStore) -> None:
    """Filters may be combined."""
    await queued(store)
    failed = await ended(store, State.FAILED)
    found = (await api.get("/jobs", params={"state": "failed", "kind": "story"})).json()
    assert [job["id"] for job in found["jobs"]] == [failed]
    assert found["jobs"][0]["urls"]["retry"] == f"/jobs/{failed}/retry"


async def test_an_empty_list_has_no_next_page(api: httpx.AsyncClient) -> None:
    """No cursor, no Link."""
    response = await api.get("/jobs")
    assert response.json() == {"jobs": [], "next_cursor": None}
    assert "Link" not in response.headers


async def test_a_waiting_or_running_job_is_cancelled(api: httpx.AsyncClient, store: JobStore) -> None:
    """And a running one's worker hears of it."""
    for job_id in (await queued(store), (running_id := (await running(store)).lease.job_id)):
        response = await api.post(f"/jobs/{job_id}/cancel")
        assert response.status_code == 200
        assert (response.json()["state"], response.json()["state_reason"]) == ("cancelled", "user_request")
    assert await Inspector(store.redis).signals(running_id) == [running_id]


@pytest.mark.parametrize("state", sorted(FINAL))
async def test_cancelling_an_ended_job_changes_nothing(api: httpx.AsyncClient, store: JobStore, state: State) -> None:
    """However often it is asked for."""
    job_id = await ended(store, state)
    before = (await api.get(f"/jobs/{job_id}")).json()
    response = await api.post(f"/jobs/{job_id}/cancel")
    assert response.status_code == 200
    assert response.json() == before


async def test_a_retry_is_a_new_job_that_keeps_the_paid_steps(api: httpx.AsyncClient, store: JobStore) -> None:
    """202 and `Location` of the new job; both jobs point at each other; a second retry answers with the same job."""
    claim = await running(store)
    await store.save_step(claim.lease, "outline", '"paid"')
    await store.cancel(claim.lease.job_id)
    path = f"/jobs/{claim.lease.job_id}/retry"
    response = await api.post(path)
    retry = response.json()
    assert response.status_code == 202
    assert response.headers["Location"] == retry["urls"]["self"] == f"/jobs/{retry['id']}"
    assert (retry["retry_of"], retry["state"]) == (claim.lease.job_id, "queued")
    assert (await api.get(f"/jobs/{claim.lease.job_id}")).json()["retried_as"] == retry["id"]
    assert (await claimed(store, retry["id"])).steps == {"outline": '"paid"'}
    assert (await api.post(path)).json()["id"] == retry["id"]


async def test_only_what_failed_can_be_retried(api: httpx.AsyncClient, store: JobStore) -> None:
    """409 for a job that waits, runs or is done."""
    for job_id in (await queued(store), (await running(store)).lease.job_id, await ended(store, State.COMPLETED)):
        response = await api.post(f"/jobs/{job_id}/retry")
        assert response.status_code == 409
        assert response.json()["type"] == "urn:headrace:problem:not-retryable"


async def test_a_job_that_waits_says_its_place(api: httpx.AsyncClient, settings: Settings) -> None:
    """How many stand before it. There is no worker that could take the first one."""
    without_workers = settings.model_copy(update={"release_window": None})
    store = JobStore.open(without_workers, name="strict", patience=timedelta(seconds=5))
    await queued(store)
    second = await queued(store, story(start_deadline=timedelta(hours=1)))
    assert (await api.get(f"/jobs/{second}")).json()["queue"]["position"] == 1
    await store.aclose()
