"""GET /usage: what was used by day and model, by everybody or by one user; and budgets as clients give them."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from jobs.model import UsageItem
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.usage import today
from tests.api.conftest import STORY
from tests.support.jobs_at_hand import desk_of, planned, running, story

USED = UsageItem(provider="openai", model="gpt-5.4-mini", input_tokens=120, output_tokens=340, calls=1, cost=0.00162)


async def _use(store: JobStore, settings: Settings, user_id: str, item: UsageItem = USED) -> None:
    lease, desk = (await running(store, story(user_id=user_id))).lease, desk_of(store, settings)
    await desk.admit(lease, planned())
    await desk.settle(lease, planned(), [item])


async def test_the_days_of_a_user_and_their_sum(api: httpx.AsyncClient, store: JobStore, settings: Settings) -> None:
    await _use(store, settings, "ann")
    await _use(store, settings, "bob")
    await _use(store, settings, "bob")

    report = (await api.get("/usage", params={"user_id": "bob"})).json()

    [day] = report["days"]
    assert report["user_id"] == "bob"
    assert report["from"] <= day["date"] <= report["to"]
    assert report["usage"] == day["usage"]
    assert [(item["model"], item["calls"], item["cost"]) for item in report["usage"]] == [("gpt-5.4-mini", 2, 0.00324)]
    assert report["cost"] == day["cost"] == 0.00324
    everybody = (await api.get("/usage")).json()
    assert (everybody["user_id"], everybody["cost"]) == (None, 0.00486)


async def test_a_sum_with_an_unknown_price_in_it_is_not_known(
    api: httpx.AsyncClient, store: JobStore, settings: Settings
) -> None:
    await _use(store, settings, "ann")
    await _use(store, settings, "ann", USED.model_copy(update={"model": "dreamer", "cost": None}))

    report = (await api.get("/usage")).json()

    assert report["cost"] is None
    assert [item["cost"] for item in report["usage"]] == [None, 0.00162]


async def test_days_without_use_are_left_out(api: httpx.AsyncClient, store: JobStore, settings: Settings) -> None:
    await _use(store, settings, "ann")
    long_ago = today() - timedelta(days=40)

    report = (await api.get("/usage", params={"from": str(long_ago), "to": str(long_ago)})).json()

    assert report == {
        "user_id": None,
        "from": str(long_ago),
        "to": str(long_ago),
        "days": [],
        "usage": [],
        "cost": 0.0,
    }


async def test_a_year_may_be_asked_for_at_once(api: httpx.AsyncClient) -> None:
    assert (await api.get("/usage", params={"from": "2026-01-01", "to": "2026-12-31"})).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-02", "to": "2026-11-01"}, "from"),
        ({"from": "2025-01-01", "to": "2026-11-01"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-02-30"}, "to"),
        ({"to": "0001-01-01", "from": "0001-01-02"}, "from"),
        ({"user_id": "a b"}, "user_id"),
    ],
)
async def test_a_range_that_is_none_is_a_422_naming_the_field(
    api: httpx.AsyncClient, query: dict[str, str], field: str
) -> None:
    response = await api.get("/usage", params=query)

    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in response.json()["errors"]] == [field]


async def test_the_usual_range_is_thirty_days_also_at_the_beginning_of_time(api: httpx.AsyncClient) -> None:
    usual = (await api.get("/usage")).json()
    begin = (await api.get("/usage", params={"to": "0001-01-05"})).json()

    assert usual["to"] == str(datetime.now(UTC).date())
    assert usual["from"] == str(datetime.now(UTC).date() - timedelta(days=29))
    assert begin["from"] == "0001-01-01"


async def test_a_job_shows_its_budget(api: httpx.AsyncClient) -> None:
    """In the 202 as in GET, and its retry has it too."""
    response = await api.post("/stories", json=STORY | {"max_cost": 0.25})
    job_id = response.json()["id"]
    await api.post(f"/jobs/{job_id}/cancel")
    retry = (await api.post(f"/jobs/{job_id}/retry")).json()

    assert response.json()["max_cost"] == (await api.get(f"/jobs/{job_id}")).json()["max_cost"] == 0.25
    assert retry["max_cost"] == 0.25


@pytest.mark.parametrize("max_cost", [0, -1, "much", 0.0000001, 1e9])
async def test_a_budget_that_is_none_is_a_422_naming_the_field(api: httpx.AsyncClient, max_cost: object) -> None:
    response = await api.post("/stories", json=STORY | {"max_cost": max_cost})

    assert response.status_code == 422
    assert "max_cost" in {error["field"].split(".")[0] for error in response.json()["errors"]}
