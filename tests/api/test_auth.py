"""With a token set, nothing but the probes is open."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from jobs.settings import Settings
from jobs.store import JobStore
from tests.api.conftest import STORY, client_of
from tests.support.inspector import Inspector

TOKEN = "not-a-real-token"  # noqa: S105


@pytest.fixture
async def locked(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(settings.model_copy(update={"api_token": SecretStr(TOKEN)})) as client:
        yield client


@pytest.mark.parametrize("path", ["/jobs", "/jobs/none/events", "/metrics", "/kinds", "/docs", "/openapi.json", "/no"])
@pytest.mark.parametrize("given", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x", "Bearer \xff"])
async def test_without_the_token_nothing_is_told(locked: httpx.AsyncClient, path: str, given: str | None) -> None:
    """401 and how to do better, for every path alike."""
    headers = [(b"Authorization", given.encode("latin-1"))] if given else []
    response = await locked.get(path, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert TOKEN not in response.text


async def test_without_the_token_nothing_is_stored(locked: httpx.AsyncClient, store: JobStore) -> None:
    """Not even read."""
    assert (await locked.post("/stories", json=STORY)).status_code == 401
    assert await Inspector(store.redis).names("hr:*") == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_with_the_token_all_is_as_without_one(locked: httpx.AsyncClient, scheme: str) -> None:
    """The scheme's case does not matter."""
    headers = {"Authorization": f"{scheme} {TOKEN}"}
    assert (await locked.post("/stories", json=STORY, headers=headers)).status_code == 202


@pytest.mark.parametrize("probe", ["live", "ready", "startup"])
async def test_probes_have_no_token(locked: httpx.AsyncClient, probe: str) -> None:
    """Platforms send none."""
    assert (await locked.get(f"/health/{probe}")).status_code == 200


async def test_the_documentation_says_that_a_token_is_needed(locked: httpx.AsyncClient) -> None:
    """So that clients made from it send one."""
    schema = (await locked.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"})).json()
    assert schema["paths"]["/jobs"]["get"]["security"] == [{"token": []}]
    assert "401" in schema["paths"]["/jobs"]["get"]["responses"]
    assert "security" not in schema["paths"]["/health/live"]["get"]
