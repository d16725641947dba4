"""What the OpenAPI document says beyond the signatures: problems, examples, and what is behind the token."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import FastAPI, Path
from pydantic import BaseModel
from starlette.status import HTTP_503_SERVICE_UNAVAILABLE

from api.auth import OPEN_TO_ALL
from api.problems import MEDIA_TYPE, FieldError, Problem, problem

EXAMPLE_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"

JobId = Annotated[str, Path(description="The `id` that the job was made with", examples=[EXAMPLE_ID])]

BatchId = Annotated[str, Path(description="The `id` that the batch was made with", examples=[EXAMPLE_ID])]

_PROBLEMS: dict[int, tuple[str, str, str]] = {
    400: (
        "Malformed JSON, or a header that is none",
        "Malformed JSON",
        "body: Invalid JSON: trailing comma at line 1 column 23",
    ),
    401: (
        "The token is missing or wrong",
        "Unauthorized",
        "Send the token of this deployment as `Authorization: Bearer <token>`.",
    ),
    404: (
        "There is no such job, batch or file",
        "No such job",
        f"No job has the id '{EXAMPLE_ID}'. Finished jobs are kept for the retention time only.",
    ),
    409: (
        "The job is in a state in which this cannot be done",
        "Not retryable",
        f"Job {EXAMPLE_ID} is running. A job can be retried once it has ended; cancel it first.",
    ),
    410: (
        "The events asked for are no longer kept",
        "Events no longer kept",
        f"Job {EXAMPLE_ID} keeps its events from number 2001 on; start there, or without an id.",
    ),
    413: ("The body is too large", "Body too large", "The body is larger than 1048576 bytes. Send a smaller one."),
    415: (
        "The body is of a type that is not taken here",
        "Unsupported media type",
        "The body must be sent as Content-Type: application/json.",
    ),
    422: (
        "A field is wrong, or the idempotency key belongs to another request",
        "Invalid request",
        "title: Field required",
    ),
    500: ("A fault of this service", "Internal Server Error", "Something went wrong here, not with the request."),
    503: (
        "Redis is away; try again after `Retry-After` seconds",
        "Job store unavailable",
        "The job store does not answer or takes no writes now. Nothing was stored; try again.",
    ),
}
"""Status -> what it means here, and title and detail of an example."""


class DocumentedApi(FastAPI):
    """FastAPI with our problems in place of its own error model. `token_needed` says whether clients must send one.

    `bodies` are the models of bodies that a route reads by itself.
    """

    token_needed = False
    bodies: tuple[type[BaseModel], ...] = ()

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self._complete(super().openapi())
        return super().openapi()

    def _complete(self, schema: dict[str, Any]) -> None:
        models = schema["components"]["schemas"]
        for model in (Problem, *self.bodies):
            models |= _schemas(model)
        for _, operation in _operations(schema):
            # FastAPI documents its own 422 for whatever has a parameter.
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
        for model in ("HTTPValidationError", "ValidationError"):
            models.pop(model, None)
        if self.token_needed:
            _require_token(schema)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation that may answer so; any may fail with 500."""
    return {status: _problem_response(status) for status in (*statuses, 500)}


def answer(
    example: BaseModel | dict[str, Any], *, model: type[BaseModel] | None = None, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """One entry of `responses`: what a success looks like, and what its headers mean."""
    shown = example.model_dump(mode="json") if isinstance(example, BaseModel) else example
    described = {name: {"description": text, "schema": {"type": "string"}} for name, text in (headers or {}).items()}
    return {
        **({"model": model} if model else {}),
        **({"headers": described} if described else {}),
        "content": {"application/json": {"example": shown}},
    }


def body_example(example: dict[str, Any]) -> dict[str, Any]:
    """`openapi_extra` for an operation that takes this body."""
    return {"requestBody": {"content": {"application/json": {"example": example}}}}


def _problem_response(status: int) -> dict[str, Any]:
    description, title, detail = _PROBLEMS[status]
    field, _, message = detail.partition(": ")
    errors = [FieldError(field=field, message=message)] if status in {400, 422} else []
    example = problem(status, detail, instance="/...", title=title, errors=errors)
    response: dict[str, Any] = {
        "description": description,
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": example.model_dump(mode="json", exclude_none=True),
            }
        },
    }
    if status == HTTP_503_SERVICE_UNAVAILABLE:
        response["headers"] = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "string"}}}
    return response


def _schemas(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), model.__name__: schema}


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            yield path, operation


def _require_token(schema: dict[str, Any]) -> None:
    schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, operation in _operations(schema):
        if not path.startswith(OPEN_TO_ALL):
            operation["security"] = [{"token": []}]
            operation["responses"]["401"] = _problem_response(401)
