"""Whatever goes wrong is told as a problem."""

import httpx
import pytest
from starlette.types import Message

from api.app import create_app
from jobs import keys
from jobs.settings import Settings
from jobs.store import JobStore
from tests.support.jobs_at_hand import queued


def assert_problem(response: httpx.Response, status: int, slug: str) -> None:
    problem = response.json()
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == f"urn:headrace:problem:{slug}"
    assert problem["status"] == status
    assert problem["instance"] == response.request.url.path


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs/none"),
        ("GET", "/jobs/none/events"),
        ("GET", "/jobs/none/files/book.pdf"),
        ("POST", "/jobs/none/cancel"),
        ("POST", "/jobs/none/retry"),
    ],
)
async def test_an_unknown_job_is_404(api: httpx.AsyncClient, method: str, path: str) -> None:
    """Wherever it is asked for."""
    assert_problem(await api.request(method, path), 404, "job-not-found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs/{id}:events"),
        ("GET", "/jobs/{id}:events/events"),
        ("POST", "/jobs/{id}:events/cancel"),
        ("GET", "/batches/{id}:jobs"),
        ("GET", "/batches/{id}:jobs/events"),
        ("POST", "/batches/{id}:events/cancel"),
        ("GET", "/batches/{id}:jobs/results"),
    ],
)
async def test_what_is_no_id_is_404(api: httpx.AsyncClient, store: JobStore, method: str, path: str) -> None:
    """However near to a key of ours it comes."""
    job_id = await queued(store)
    entry = {"custom_id": "a", "kind": "story", "input": {"title": "t", "prompt": "p"}}
    batch_id = (await api.post("/batches", json={"jobs": [entry]})).json()["id"]
    whose, slug = (job_id, "job-not-found") if path.startswith("/jobs") else (batch_id, "batch-not-found")
    assert_problem(await api.request(method, path.format(id=whose)), 404, slug)


@pytest.mark.parametrize("path", ["/nothing", "/stories/", "/jobs/a/b/c/d"])
async def test_an_unknown_path_is_404(api: httpx.AsyncClient, path: str) -> None:
    """Not a redirect, not HTML."""
    assert_problem(await api.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("DELETE", "/jobs", "GET, POST"), ("GET", "/stories", "POST"), ("PUT", "/jobs/none", "GET")],
)
async def test_a_wrong_method_is_405_with_the_right_ones(
    api: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    """`Allow` names all that the path takes."""
    response = await api.request(method, path)
    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["Allow"] == allowed


@pytest.mark.parametrize(
    ("path", "content_type"),
    [("/stories", "application/json"), ("/batches", "application/jsonl"), ("/uploads", "image/png")],
)
async def test_a_client_that_breaks_off_is_no_fault_of_ours(settings: Settings, path: str, content_type: str) -> None:
    """Nothing reaches the server, which would log it with a traceback."""
    app = create_app(settings)
    messages: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async with app.router.lifespan_context(app) as state:
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [(b"content-type", content_type.encode())],
            "state": dict(state or {}),
        }
        await app(scope, receive, send)

    assert sent[0]["status"] == 400


async def test_a_record_that_cannot_be_read_is_no_fault_of_the_cursor(api: httpx.AsyncClient, store: JobStore) -> None:
    """Nor of the client."""
    job_id = await queued(store)
    await store.redis.execute_command("HSET", keys.job(job_id), "progress", "{}}")  # pyright: ignore[reportGeneralTypeIssues]
    assert_problem(await api.get("/jobs"), 500, "internal-server-error")


async def test_a_fault_of_ours_is_500_without_details(api: httpx.AsyncClient, store: JobStore) -> None:
    """What broke is for the log, not for the client."""
    job_id = await queued(store)
    await store.redis.execute_command("HSET", keys.job(job_id), "progress", '{"secret')  # pyright: ignore[reportGeneralTypeIssues]
    response = await api.get(f"/jobs/{job_id}")
    assert_problem(response, 500, "internal-server-error")
    assert "secret" not in response.text
    assert "JSON" not in response.text
