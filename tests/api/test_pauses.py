"""Pause, resume and purge over REST, and where they are seen."""

import httpx
import pytest

from jobs.states import State
from jobs.store import JobStore
from tests.api.test_bad_input import fields_of
from tests.api.test_fleet import metrics
from tests.support.jobs_at_hand import queued

ORDER = {"by": "ann@example.com", "why": "the provider is away"}
TARGETS = ["/queues/default", "/kinds/story"]


async def test_a_queue_is_paused_and_resumed(api: httpx.AsyncClient, store: JobStore) -> None:
    job_id = await queued(store)
    paused = await api.post("/queues/default/pause", json=ORDER)
    assert paused.status_code == 200
    assert paused.json() | ORDER == paused.json()

    [default] = [one for one in (await api.get("/queues")).json()["queues"] if one["name"] == "default"]
    assert (default["paused"], default["queued"], default["held"]) == (paused.json(), 1, 1)
    found = await metrics(api)
    assert found['headrace_queue_paused{queue="default"}'] == 1
    assert found['headrace_queue_held{queue="default"}'] == 1
    assert found["headrace_demand"] == 0
    waiting = (await api.get(f"/jobs/{job_id}")).json()["waiting"]
    assert (waiting["on"], waiting["since"]) == ("paused", paused.json()["at"])
    assert waiting["detail"] == "ann@example.com paused queue default: the provider is away"

    assert (await api.post("/queues/default/resume")).json() == {"was_paused": True}
    assert (await api.post("/queues/default/resume")).json() == {"was_paused": False}
    assert (await api.get(f"/jobs/{job_id}")).json()["waiting"]["on"] == "no_worker"


async def test_a_kind_is_paused_and_resumed(api: httpx.AsyncClient) -> None:
    paused = (await api.post("/kinds/story/pause", json=ORDER)).json()
    assert (await api.get("/queues")).json()["paused_kinds"] == {"story": paused}
    assert (await metrics(api))['headrace_kind_paused{kind="story"}'] == 1
    assert (await api.post("/kinds/story/resume")).json() == {"was_paused": True}
    assert (await api.get("/queues")).json()["paused_kinds"] == {}


@pytest.mark.parametrize("target", TARGETS)
async def test_a_purge_says_how_many_it_cancelled(api: httpx.AsyncClient, store: JobStore, target: str) -> None:
    jobs = [await queued(store) for _ in range(3)]
    purged = await api.post(f"{target}/purge", json=ORDER)
    assert purged.status_code == 200
    assert purged.json() | ORDER | {"cancelled": 3, "over": True} == purged.json()
    assert {(await store.get(job_id)).state for job_id in jobs} == {State.CANCELLED}


@pytest.mark.parametrize("verb", ["pause", "resume", "purge"])
@pytest.mark.parametrize(("target", "field"), [("/queues/nowhere", "queue"), ("/kinds/poem", "kind")])
async def test_what_is_not_there_is_named(api: httpx.AsyncClient, target: str, field: str, verb: str) -> None:
    response = await api.post(f"{target}/{verb}", json=ORDER)
    assert response.status_code == 422
    assert fields_of(response) == [field]


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"by": "ann"}, "why"),
        ({"why": "none"}, "by"),
        (ORDER | {"by": " "}, "by"),
        (ORDER | {"by": "x" * 129}, "by"),
        (ORDER | {"why": "x" * 501}, "why"),
        (ORDER | {"until": "tomorrow"}, "until"),
    ],
)
@pytest.mark.parametrize("path", [f"{target}/{verb}" for target in TARGETS for verb in ("pause", "purge")])
async def test_a_wrong_field_is_named(api: httpx.AsyncClient, path: str, order: dict[str, str], field: str) -> None:
    response = await api.post(path, json=order)
    assert response.status_code == 422
    assert fields_of(response) == [field]
