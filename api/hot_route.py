"""Routes whose parameters are read in one step: those that are asked for most."""

from collections.abc import Callable, Coroutine
from inspect import signature
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from api.documentation import parse_job_id
from api.errors import UnsupportedMediaType
from api.idempotency import IDEMPOTENCY_KEY, parse_key

Body = TypeVar("Body", bound=BaseModel)

_READ_HERE = {"request", "job_id", "body", "idempotency_key"}
_MAX_READ = 10_000
"""Errors taken over from pydantic, which has all or none of them: a thousand bytes each."""


class HotRoute(APIRoute):
    """For endpoints that take `request`, and else no more than `job_id`, `body` (a model) and `idempotency_key`.

    They are documented from their signature as any other; other endpoints are left to FastAPI altogether. Only the
    parameters of these are read without its general machinery, which takes as long as all else done for a request.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint
        parameters = signature(endpoint).parameters
        if "request" not in parameters or not parameters.keys() <= _READ_HERE:
            return super().get_route_handler()
        model = endpoint.__annotations__.get("body")

        async def handle(request: Request) -> Response:
            given: dict[str, Any] = {"request": request}
            if model is not None:
                given["body"] = await read_body(request, model)
            if "job_id" in parameters:
                given["job_id"] = parse_job_id(request.path_params["job_id"])
            if "idempotency_key" in parameters:
                given["idempotency_key"] = parse_key(request.headers.get(IDEMPOTENCY_KEY))
            return await endpoint(**given)

        return handle


async def read_body(request: Request, model: type[Body]) -> Body:
    """The body as a model. Raises UnsupportedMediaType, RequestValidationError."""
    raw = await request.body()
    if not _is_json(request.headers.get("content-type", "")):
        raise UnsupportedMediaType("application/json")
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise invalid_body(error) from None


def invalid_body(error: ValidationError, *path: str | int) -> RequestValidationError:
    """What pydantic found wrong at `path` within the body, as FastAPI says it; without the input, which is private."""
    if error.error_count() > _MAX_READ:
        message = f"has {error.error_count()} faults, too many to list; send only the fields that are documented"
        return RequestValidationError([{"type": "value_error", "loc": ("body", *path), "msg": message}])
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return RequestValidationError([{**one, "loc": ("body", *path, *one["loc"])} for one in found])


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))
