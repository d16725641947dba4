"""The OpenAPI document says all there is to say."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from api.app import create_app
from api.documentation import EXAMPLE_ID
from api.problems import of_error
from api.submission import NewJobBody, body_model
from jobs import kinds
from jobs.errors import EventsGone, StoreUnavailable
from jobs.settings import Settings
from jobs.states import State

Operation = dict[str, Any]

SCHEMA: dict[str, Any] = create_app(Settings()).openapi()
OPERATIONS: dict[str, Operation] = {
    f"{method.upper()} {path}": operation
    for path, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
}
each = pytest.mark.parametrize("name", OPERATIONS)


def contents(operation: Operation) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Status, media type and what is said of it, for every response that has a body."""
    for status, response in operation["responses"].items():
        for media_type, content in response.get("content", {}).items():
            yield status, media_type, content


@each
def test_an_operation_is_described(name: str) -> None:
    """Summary, description, tag, and an id that makes a good function name."""
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])


def test_operation_ids_are_unique() -> None:
    """Each names one function of a generated client."""
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids))


@each
def test_every_answer_has_an_example(name: str) -> None:
    """Successes and problems alike."""
    for status, media_type, content in contents(OPERATIONS[name]):
        assert "example" in content, (status, media_type)


@each
def test_errors_are_problems(name: str) -> None:
    """One model, one media type; what can fail for want of Redis says so; FastAPI's own 422 is nowhere."""
    operation = OPERATIONS[name]
    errors = [(status, media) for status, media, _ in contents(operation) if status >= "400"]
    assert {media for _, media in errors} == {"application/problem+json"}
    statuses = {status for status, _ in errors}
    assert "500" in statuses
    assert ("503" in statuses) is (name not in {"GET /health/live", "GET /kinds"})
    assert ("404" in statuses) is any(one in name for one in ("{job_id}", "{batch_id}", "{schedule_id}"))
    if "requestBody" in operation:
        assert statuses >= {"413", "415", "422"}
        assert ("400" in statuses) is ("application/json" in operation["requestBody"]["content"])
    for status, _, content in contents(operation):
        if status >= "400":
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert content["example"]["status"] == int(status)


@each
def test_what_makes_a_job_says_where_it_is(name: str) -> None:
    """202 with `Location` and `Retry-After`, and an `Idempotency-Key` to send."""
    accepted = OPERATIONS[name]["responses"].get("202")
    if accepted:
        assert accepted["headers"].keys() >= {"Location", "Retry-After"}
        assert "Idempotency-Key" in {parameter["name"] for parameter in OPERATIONS[name]["parameters"]}


BODIES: dict[str, type[BaseModel]] = {f"POST {kind.path}": body_model(kind) for kind in kinds.known()}


@pytest.mark.parametrize("name", [*BODIES, "POST /jobs"])
def test_the_example_of_a_body_is_a_good_one(name: str) -> None:
    """It could be sent as it stands."""
    example = OPERATIONS[name]["requestBody"]["content"]["application/json"]["example"]
    BODIES.get(name, NewJobBody).model_validate(example)


def test_every_reference_leads_somewhere() -> None:
    """Also those that were added to what FastAPI makes."""
    known = {f"#/components/schemas/{name}" for name in SCHEMA["components"]["schemas"]}
    assert set(re.findall(r"'\$ref': '([^']+)'", str(SCHEMA))) <= known
    assert "HTTPValidationError" not in str(SCHEMA)


async def test_the_documentation_can_be_read(api: httpx.AsyncClient) -> None:
    """As a page, and as the document itself."""
    assert "text/html" in (await api.get("/docs")).headers["Content-Type"]
    assert (await api.get("/openapi.json")).json()["info"]["title"] == "Headrace"


async def test_the_example_of_an_error_is_what_the_error_says(api: httpx.AsyncClient) -> None:
    """A client that was made from the examples meets the same words and types."""
    examples = {
        int(status): content["example"]
        for operation in OPERATIONS.values()
        for status, media_type, content in contents(operation)
        if media_type == "application/problem+json"
    }
    answered = (await api.get(f"/jobs/{EXAMPLE_ID}")).json()
    assert examples[404] == answered | {"instance": "/..."}
    for error in (EventsGone.before(EXAMPLE_ID, 2001), StoreUnavailable()):
        assert examples[error.status] == of_error(error, instance="/...").model_dump(exclude_none=True)
    assert "stored" not in examples[503]["detail"]


def test_the_names_of_events_are_listed() -> None:
    """The states that are entered, and what else can happen."""
    names = SCHEMA["components"]["schemas"]["Event"]["properties"]["event"]["enum"]
    assert set(names) == {*State, "progress", "step", "call", "job"}


def test_the_result_of_a_job_has_the_type_of_its_kind() -> None:
    """Any of the kinds' results, each with its own schema; null until the job is done."""
    result = SCHEMA["components"]["schemas"]["JobBody"]["properties"]["result"]
    names = [part["$ref"].rpartition("/")[2] for part in result["anyOf"] if "$ref" in part]
    assert sorted(names) == sorted(kind.result.__name__ for kind in kinds.known())
    assert {"type": "null"} in result["anyOf"]
    assert SCHEMA["components"]["schemas"]["StoryResult"]["properties"].keys() >= {"title", "pages", "pdf"}
