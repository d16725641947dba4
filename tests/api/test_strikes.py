"""Strikes over REST."""

import httpx
import pytest

from jobs.settings import Settings
from tests.api.conftest import STORY, client_of
from tests.api.test_bad_input import fields_of
from tests.api.test_fleet import metrics

STRIKE = {
    "what": "kind",
    "name": "story",
    "new": "reject",
    "running": "go_on",
    "by": "ann@example.com",
    "why": "It answers nonsense",
}


async def test_a_strike_is_set_listed_and_lifted(api: httpx.AsyncClient) -> None:
    made = await api.post("/strikes", json=STRIKE)
    assert made.status_code == 200
    assert made.json() | STRIKE == made.json()
    assert (await api.get("/strikes")).json() == {"strikes": [made.json()]}
    assert (await metrics(api))['headrace_strikes{what="kind"}'] == 1

    refused = await api.post("/stories", json=STORY)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:headrace:problem:struck-out")
    assert "It answers nonsense" in refused.json()["detail"]
    assert refused.headers["Retry-After"] == "60"
    one = {"custom_id": "a", "kind": "story", "input": {"title": "t", "prompt": "p"}}
    assert (await api.post("/batches", json={"jobs": [one]})).status_code == 503

    assert (await api.delete("/strikes/kind/story")).json() == {"was_struck": True}
    assert (await api.delete("/strikes/kind/story")).json() == {"was_struck": False}
    assert (await api.post("/stories", json=STORY)).status_code == 202


async def test_a_struck_user_is_a_conflict(api: httpx.AsyncClient) -> None:
    await api.post("/strikes", json=STRIKE | {"what": "user", "name": "ann@example.com"})
    assert (await api.post("/stories", json=STORY | {"user_id": "ann@example.com"})).status_code == 409
    assert (await api.post("/stories", json=STORY | {"user_id": "bob"})).status_code == 202


@pytest.mark.parametrize(
    ("what", "name", "asks"),
    [
        ("provider", "offline", {}),
        ("provider", "openai", {"provider": "openai"}),
        ("model", "openai/gpt-5.4-mini", {"provider": "openai"}),
        ("model", "gemini/nano", {"provider": "gemini", "model": "nano"}),
        ("model", "gemini/nano", {"provider": "gemini", "image_model": "nano"}),
    ],
)
async def test_a_job_is_struck_by_whom_it_asks(settings: Settings, what: str, name: str, asks: dict[str, str]) -> None:
    """As it says, or as the deployment has it."""
    async with client_of(settings) as api:
        assert (await api.post("/stories", json=STORY | asks)).status_code == 202
        await api.post("/strikes", json=STRIKE | {"what": what, "name": name})
        assert (await api.post("/stories", json=STORY | asks)).status_code == 503
        assert (await api.post("/stories", json=STORY | {"provider": "local"})).status_code == 202
        assert (await api.post("/warmups", json={"urls": ["https://example.com/"]})).status_code == 202
        lifted = await api.delete(f"/strikes/{what}/{name}")
        assert lifted.json() == {"was_struck": True}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"what": "planet"}, "what"),
        ({"name": "poem"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 257}, "name"),
        ({"what": "provider", "name": "oracle"}, "name"),
        ({"what": "model", "name": "openai"}, "name"),
        ({"what": "model", "name": "oracle/7"}, "name"),
        ({"new": "maybe"}, "new"),
        ({"running": "maybe"}, "running"),
        ({"why": ""}, "why"),
        ({"until": "tomorrow"}, "until"),
    ],
)
async def test_a_wrong_field_is_named(api: httpx.AsyncClient, change: dict[str, str], field: str) -> None:
    response = await api.post("/strikes", json=STRIKE | change)
    assert response.status_code == 422
    assert fields_of(response) == [field]


async def test_what_cannot_be_struck_cannot_be_lifted(api: httpx.AsyncClient) -> None:
    response = await api.delete("/strikes/planet/mars")
    assert response.status_code == 422
    assert fields_of(response) == ["what"]
