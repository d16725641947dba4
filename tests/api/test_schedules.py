"""`/schedules`: jobs that are made again and again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from jobs.schedules import ScheduleStore
from jobs.settings import Settings
from jobs.store import JobStore
from tests.api.conftest import client_of
from tests.support.inspector import Inspector
from tests.support.time_travel import make_schedule_due

IN_STORY = {"title": "My Story", "prompt": "A magical adventure"}
DAILY = {"kind": "story", "input": IN_STORY, "cron": "0 9 * * *", "time_zone": "Europe/Berlin"}
EVERY_HOUR = {"kind": "story", "input": IN_STORY, "interval_seconds": 3600}
KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


async def _made(api: httpx.AsyncClient, body: dict[str, Any] = DAILY) -> dict[str, Any]:
    response = await api.post("/schedules", json=body)
    assert response.status_code == 201
    return response.json()


async def test_a_schedule_is_made_with_the_place_to_look_at_it(api: httpx.AsyncClient) -> None:
    options = {"user_id": "ann", "priority": 5, "max_cost": 0.5, "time_limit_seconds": 60, "retention_seconds": 3600}
    response = await api.post("/schedules", json=DAILY | options | {"overlap": "queue"})
    schedule = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/schedules/{schedule['id']}" == schedule["urls"]["self"]
    assert schedule == (await api.get(schedule["urls"]["self"])).json()
    assert {name: schedule[name] for name in options} == options
    assert (schedule["cron"], schedule["time_zone"], schedule["overlap"]) == ("0 9 * * *", "Europe/Berlin", "queue")
    assert schedule["input"]["pages"] == 6, "as the kind understands it"
    assert len(schedule["next_runs"]) == 5
    assert datetime.fromisoformat(schedule["next_runs"][0]) > datetime.now(UTC)


async def test_a_run_shows_its_job(api: httpx.AsyncClient, store: JobStore, settings: Settings) -> None:
    schedule = await _made(api, EVERY_HOUR | {"priority": 7, "time_limit_seconds": 60})
    await make_schedule_due(store.redis, schedule["id"])
    await ScheduleStore(store, settings, patience=timedelta(seconds=5)).fire()

    [run] = (await api.get(schedule["urls"]["self"])).json()["runs"]
    job = (await api.get(f"/jobs/{run['job_id']}")).json()
    assert (job["schedule"], job["priority"], job["time_limit_seconds"]) == (schedule["id"], 7, 60)
    assert run["state"] == job["state"] == "queued"


async def test_a_schedule_can_be_paused_resumed_and_deleted(api: httpx.AsyncClient) -> None:
    schedule = await _made(api)
    paused = (await api.post(schedule["urls"]["pause"])).json()
    assert paused["paused_at"]
    assert paused["next_runs"] == []
    resumed = (await api.post(schedule["urls"]["resume"])).json()
    assert resumed == schedule
    assert (await api.delete(schedule["urls"]["self"])).status_code == 204
    for method, url in (("GET", "self"), ("DELETE", "self"), ("POST", "pause"), ("POST", "resume")):
        gone = await api.request(method, schedule["urls"][url])
        assert gone.status_code == 404
        assert gone.json()["type"] == "urn:headrace:problem:schedule-not-found"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_what_is_no_id_is_no_schedule(api: httpx.AsyncClient, method: str) -> None:
    assert (await api.request(method, "/schedules/due")).status_code == 404


async def test_schedules_are_listed_newest_first(api: httpx.AsyncClient) -> None:
    made = [await _made(api, EVERY_HOUR | {"user_id": user}) for user in ("ann", "bob", "ann")]
    ids = sorted((one["id"] for one in made), reverse=True)

    first = await api.get("/schedules", params={"limit": 2})
    assert [one["id"] for one in first.json()["schedules"]] == ids[:2]
    following = first.headers["Link"].removeprefix("<").split(">")[0]
    assert [one["id"] for one in (await api.get(following)).json()["schedules"]] == ids[2:]
    of_bob = (await api.get("/schedules", params={"user_id": "bob", "kind": "story"})).json()["schedules"]
    assert [one["id"] for one in of_bob] == [made[1]["id"]]


@pytest.mark.parametrize("query", [{"cursor": "x"}, {"limit": 0}, {"kind": "poem"}, {"state": "paused"}])
async def test_a_list_refuses_what_it_does_not_know(api: httpx.AsyncClient, query: dict[str, Any]) -> None:
    response = await api.get("/schedules", params=query)
    assert response.status_code == 422
    assert next(iter(query)) in response.json()["detail"]


async def test_the_same_request_makes_one_schedule(api: httpx.AsyncClient) -> None:
    first = await api.post("/schedules", json=DAILY, headers=KEY)
    again = await api.post("/schedules", json=DAILY, headers=KEY)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert (await api.post("/schedules", json=EVERY_HOUR, headers=KEY)).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (DAILY | {"time_zone": "Europe/Atlantis"}, "time_zone"),
        (DAILY | {"time_zone": ""}, "time_zone"),
        (DAILY | {"cron": "at nine"}, "cron"),
        (DAILY | {"cron": ""}, "cron"),
        (DAILY | {"cron": "0 " * 60}, "cron"),
        (DAILY | {"cron": "0 0 30 2 *"}, "cron"),
        (DAILY | {"cron": "0 0 */31 2 MON#5"}, "cron"),
        (DAILY | {"cron": None}, "cron"),
        (DAILY | {"interval_seconds": 60}, "interval_seconds"),
        (EVERY_HOUR | {"interval_seconds": 9}, "interval_seconds"),
        (EVERY_HOUR | {"interval_seconds": 366 * 86400}, "interval_seconds"),
        (EVERY_HOUR | {"overlap": "stack"}, "overlap"),
        (EVERY_HOUR | {"kind": "poem"}, "kind"),
        (EVERY_HOUR | {"input": {"title": "My Story"}}, "input.prompt"),
        (EVERY_HOUR | {"input": IN_STORY | {"pages": 99}}, "input.pages"),
        (EVERY_HOUR | {"priority": 10}, "priority"),
        (EVERY_HOUR | {"time_limit_seconds": 86400}, "time_limit_seconds"),
        (EVERY_HOUR | {"retention_seconds": 8 * 86400}, "retention_seconds"),
        (EVERY_HOUR | {"run_at": "2026-12-01T09:00:00Z"}, "run_at"),
        (EVERY_HOUR | {"dedup_key": "k"}, "dedup_key"),
        (
            EVERY_HOUR | {"kind": "coloring_page", "input": {"image": "0f8fad5b-d9cb-469f-a165-70867728950e"}},
            "input.image",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_wrong_field_is_named(
    api: httpx.AsyncClient, store: JobStore, body: dict[str, Any], field: str
) -> None:
    response = await api.post("/schedules", json=body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert await Inspector(store.redis).names("hr:*") == []


async def test_a_schedule_is_no_more_urgent_than_the_deployment_lets_it_be(settings: Settings) -> None:
    async with client_of(settings.model_copy(update={"most_urgent_priority": 5})) as api:
        assert (await _made(api))["priority"] == 5
        assert (await api.post("/schedules", json=DAILY | {"priority": 4})).status_code == 422


async def test_a_schedule_can_be_changed(api: httpx.AsyncClient) -> None:
    """What is said takes the place of what was; all else stays."""
    options = {"user_id": "ann", "priority": 5, "max_cost": 0.5, "concurrency_key": "k", "concurrency_limit": 2}
    before = await _made(api, DAILY | options)

    changes = {"input": IN_STORY | {"title": "Another"}, "overlap": "queue", "priority": 6, "max_cost": None}
    response = await api.patch(before["urls"]["self"], json=changes)

    after = response.json()
    assert response.status_code == 200
    assert after == (await api.get(before["urls"]["self"])).json()
    assert after["input"] == before["input"] | {"title": "Another"}
    others = {"overlap": "queue", "priority": 6, "max_cost": None, "changes": 1}
    assert after == before | others | {"input": after["input"]}


async def test_other_times_take_the_place_of_those_before(api: httpx.AsyncClient) -> None:
    url = (await _made(api))["urls"]["self"]
    hourly = (await api.patch(url, json={"interval_seconds": 3600})).json()
    assert (hourly["cron"], hourly["time_zone"], hourly["interval_seconds"]) == (None, None, 3600)
    first = datetime.fromisoformat(hourly["created_at"]) + timedelta(hours=1)
    assert datetime.fromisoformat(hourly["next_runs"][0]) == first

    at_seven = (await api.patch(url, json={"cron": "0 7 * * *"})).json()
    assert (at_seven["cron"], at_seven["time_zone"], at_seven["interval_seconds"]) == ("0 7 * * *", "UTC", None)
    assert datetime.fromisoformat(at_seven["next_runs"][0]).hour == 7
    assert (await api.patch(url, json={})).json()["next_runs"] == at_seven["next_runs"]


async def test_a_paused_schedule_that_is_changed_stays_paused(api: httpx.AsyncClient) -> None:
    schedule = await _made(api)
    await api.post(schedule["urls"]["pause"])
    changed = (await api.patch(schedule["urls"]["self"], json={"interval_seconds": 60})).json()
    assert (bool(changed["paused_at"]), changed["next_runs"]) == (True, [])
    assert (await api.post(schedule["urls"]["resume"])).json()["next_runs"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "report"}, "kind"),
        ({"user_id": "bob"}, "user_id"),
        ({"colour": "red"}, "colour"),
        ({"cron": "at nine"}, "cron"),
        ({"cron": None}, "cron"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"cron": "0 7 * * *", "interval_seconds": 60}, "interval_seconds"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"interval_seconds": 9}, "interval_seconds"),
        ({"overlap": None}, "overlap"),
        ({"input": {"title": "My Story"}}, "input.prompt"),
        ({"priority": 10}, "priority"),
        ({"priority": None}, "priority"),
        ({"concurrency_limit": 2}, "concurrency_limit"),
        ({"time_limit_seconds": 86400}, "time_limit_seconds"),
    ],
    ids=str,
)
async def test_a_wrong_change_is_named_and_changes_nothing(
    api: httpx.AsyncClient, changes: dict[str, Any], field: str
) -> None:
    schedule = await _made(api)
    response = await api.patch(schedule["urls"]["self"], json=changes)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert (await api.get(schedule["urls"]["self"])).json() == schedule


async def test_an_upload_is_refused_with_the_reason(api: httpx.AsyncClient) -> None:
    page = {"kind": "coloring_page", "input": {"prompt": "A dragon"}}
    schedule = await _made(api, EVERY_HOUR | page)
    of_upload = {"input": {"image": "0f8fad5b-d9cb-469f-a165-70867728950e"}}
    made = await api.post("/schedules", json=EVERY_HOUR | page | of_upload)
    changed = await api.patch(schedule["urls"]["self"], json=of_upload)
    for response in (made, changed):
        [error] = response.json()["errors"]
        assert (response.status_code, error["field"]) == (422, "input.image")
        assert "uploads end after HEADRACE_RETENTION" in error["message"]


async def test_a_schedule_can_be_run_out_of_turn(api: httpx.AsyncClient, store: JobStore) -> None:
    schedule = await _made(api, DAILY | {"priority": 7})
    await api.post(schedule["urls"]["pause"])

    response = await api.post(schedule["urls"]["run"], headers=KEY)
    again = await api.post(schedule["urls"]["run"], headers=KEY)

    job = response.json()
    assert response.status_code == again.status_code == 202
    assert response.headers["Location"] == f"/jobs/{job['id']}"
    assert (job["schedule"], job["priority"], job["state"]) == (schedule["id"], 7, "queued")
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (job["id"], "true")
    assert "Idempotent-Replayed" not in response.headers
    shown = (await api.get(schedule["urls"]["self"])).json()
    assert (shown["made"], [run["job_id"] for run in shown["runs"]], shown["next_runs"]) == (1, [job["id"]], [])

    busy = await api.post(schedule["urls"]["run"])
    assert (busy.status_code, busy.json()["type"]) == (409, "urn:headrace:problem:schedule-busy")
    assert job["id"] in busy.json()["detail"]
    await store.cancel(job["id"])
    assert (await api.post(schedule["urls"]["run"])).json()["id"] != job["id"]
    resumed = (await api.post(schedule["urls"]["resume"])).json()
    assert resumed["next_runs"] == schedule["next_runs"], "its times are as they were"


async def test_what_is_gone_is_neither_changed_nor_run(api: httpx.AsyncClient) -> None:
    schedule = await _made(api)
    await api.delete(schedule["urls"]["self"])
    assert (await api.patch(schedule["urls"]["self"], json={"overlap": "queue"})).status_code == 404
    assert (await api.post(schedule["urls"]["run"])).status_code == 404


async def test_an_owner_has_no_more_schedules_than_the_deployment_lets_it_have(settings: Settings) -> None:
    async with client_of(settings.model_copy(update={"max_schedules_per_user": 2})) as api:
        made = [await _made(api, DAILY | {"user_id": "ann"}) for _ in range(2)]
        await _made(api)
        refused = await api.post("/schedules", json=DAILY | {"user_id": "ann"})
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:headrace:problem:too-many-schedules")
        assert "ann has 2 schedules, as many as HEADRACE_MAX_SCHEDULES_PER_USER allows" in refused.json()["detail"]
        await api.delete(made[0]["urls"]["self"])
        await _made(api, DAILY | {"user_id": "ann"})
