"""What the OpenAPI document says beyond the signatures: problems, examples, and what is behind the token."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import FastAPI, Path
from pydantic import AfterValidator, BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.status import HTTP_503_SERVICE_UNAVAILABLE

from api.auth import OPEN_TO_ALL
from api.errors import BodyTooLarge, Unauthorized, UnsupportedMediaType
from api.problems import MEDIA_TYPE, FieldError, Problem, of_error, problem
from jobs import kinds
from jobs.errors import BatchNotFound, EventsGone, JobNotFound, NotRetryable, ScheduleNotFound, StoreUnavailable

EXAMPLE_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"

ID_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_ID = re.compile(ID_PATTERN)


def parse_job_id(given: str) -> str:
    """What is no id would otherwise be part of a key, perhaps of one of another type. Raises JobNotFound."""
    if not _ID.fullmatch(given):
        raise JobNotFound(given)
    return given


def _batch_id(given: str) -> str:
    """Raises BatchNotFound."""
    if not _ID.fullmatch(given):
        raise BatchNotFound(given)
    return given


def _schedule_id(given: str) -> str:
    """Raises ScheduleNotFound."""
    if not _ID.fullmatch(given):
        raise ScheduleNotFound(given)
    return given


JobId = Annotated[
    str, AfterValidator(parse_job_id), Path(description="The `id` that the job was made with", examples=[EXAMPLE_ID])
]

BatchId = Annotated[
    str, AfterValidator(_batch_id), Path(description="The `id` that the batch was made with", examples=[EXAMPLE_ID])
]

ScheduleId = Annotated[
    str,
    AfterValidator(_schedule_id),
    Path(description="The `id` that the schedule was made with", examples=[EXAMPLE_ID]),
]

_HERE = "/..."


def _invalid(status: int, title: str, field: str, message: str) -> Problem:
    errors = [FieldError(field=field, message=message)]
    return problem(status, f"{field}: {message}", instance=_HERE, title=title, errors=errors)


_PROBLEMS: dict[int, tuple[str, Problem]] = {
    400: (
        "Malformed JSON, or a header that is none",
        _invalid(400, "Malformed JSON", "body", "Invalid JSON: trailing comma at line 1 column 23"),
    ),
    401: ("The token is missing or wrong", of_error(Unauthorized(), instance=_HERE)),
    404: ("There is no such job, batch, schedule or file", of_error(JobNotFound(EXAMPLE_ID), instance=_HERE)),
    409: (
        "The job is in a state in which this cannot be done, or there is one with the same key",
        of_error(NotRetryable(EXAMPLE_ID, "running"), instance=_HERE),
    ),
    410: (
        "The events asked for are no longer kept, or never were",
        of_error(EventsGone.before(EXAMPLE_ID, 2001), instance=_HERE),
    ),
    413: ("The body is too large", of_error(BodyTooLarge(1024 * 1024), instance=_HERE)),
    415: (
        "The body is of a type that is not taken here",
        of_error(UnsupportedMediaType("application/json"), instance=_HERE),
    ),
    422: (
        "A field is wrong, or the idempotency key belongs to another request",
        _invalid(422, "Invalid request", "title", "Field required"),
    ),
    500: (
        "A fault of this service",
        problem(500, "Something went wrong here, not with the request.", instance=_HERE),
    ),
    503: (
        "Redis is away; try again after `Retry-After` seconds",
        of_error(StoreUnavailable(), instance=_HERE),
    ),
}
"""Status -> what it means here, and an example."""


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
        _type_results(models)
        if self.token_needed:
            _require_token(schema)


def _type_results(models: dict[str, Any]) -> None:
    """A job's result is that of its kind: `JobBody` says of which models it may be."""
    every: list[tuple[type[BaseModel], JsonSchemaMode]] = [(kind.result, "serialization") for kind in kinds.known()]
    references, schemas = models_json_schema(every, ref_template="#/components/schemas/{model}")
    models |= schemas.get("$defs", {})
    results = [references[model, mode] for model, mode in every]
    models["JobBody"]["properties"]["result"] = {
        "anyOf": [*results, {"type": "null"}],
        "title": "Result",
        "description": "What the kind makes, as `GET /kinds` has it; null until the job is done",
    }


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
    description, example = _PROBLEMS[status]
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
