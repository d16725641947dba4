"""Routes that take a JSON body, read in one step."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from api.errors import UnsupportedMediaType
from api.idempotency import IDEMPOTENCY_KEY, parse_key

Body = TypeVar("Body", bound=BaseModel)

_MAX_READ = 10_000
"""Errors taken over from pydantic, which has all or none of them: a thousand bytes each."""


class JsonRoute(APIRoute):
    """For endpoints of the form `endpoint(request, body: Model, idempotency_key)`: the hot ones, which make jobs.

    They are documented from their signature as any other; other endpoints are left to FastAPI altogether. Only the
    parameters of these are read without its general machinery, which takes as long as all else done for a request.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint
        if "body" not in endpoint.__annotations__:
            return super().get_route_handler()
        model: type[BaseModel] = endpoint.__annotations__["body"]

        async def handle(request: Request) -> Response:
            body = await read_body(request, model)
            return await endpoint(request, body, parse_key(request.headers.get(IDEMPOTENCY_KEY)))

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
