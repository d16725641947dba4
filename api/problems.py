"""Every error as RFC 9457 `application/problem+json`."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any, cast

import structlog
from fastapi import FastAPI, Request, Response, status
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from jobs.errors import HeadraceError, StoreUnavailable

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 100
"""Fields that a problem names; these are what a client mends first."""

_log = structlog.stdlib.get_logger(__name__)


class FieldError(BaseModel):
    field: str = Field(description="Dotted path into the body, or the name of a header or parameter")
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str = Field(description="Names the sort of problem; stable")
    title: str
    status: int
    detail: str = Field(description="What is wrong with this request, and what to do about it")
    instance: str = Field(description="The path that was asked for")
    errors: list[FieldError] | None = Field(
        default=None, description=f"The first {MAX_ERRORS} fields that are wrong, if it is about fields"
    )

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        body = self.model_dump_json(exclude_none=True)
        return Response(body, status_code=self.status, headers=headers, media_type=MEDIA_TYPE)


def problem(  # noqa: PLR0913  # the fields of the standard
    code: int,
    detail: str,
    *,
    instance: str,
    title: str = "",
    slug: str = "",
    errors: Sequence[FieldError] = (),
) -> Problem:
    """A problem whose title and type are, unless given, those of its status `code`."""
    title = title or HTTPStatus(code).phrase
    return Problem(
        type="urn:headrace:problem:" + (slug or _slug(title)),
        title=title,
        status=code,
        detail=detail,
        instance=instance,
        errors=list(errors) or None,
    )


def of_error(error: HeadraceError, *, instance: str) -> Problem:
    slug = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__)
    return problem(error.status, str(error), instance=instance, title=error.title, slug=_slug(slug))


def install(app: FastAPI) -> None:
    """Makes every error that leaves a route, or that FastAPI itself raises, a problem."""
    app.add_exception_handler(HeadraceError, cast("Any", _on_headrace_error))
    app.add_exception_handler(RequestValidationError, cast("Any", _on_invalid_request))
    app.add_exception_handler(HTTPException, cast("Any", _on_http_exception))
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, cast("Any", _on_unexpected))


async def _on_headrace_error(request: Request, error: HeadraceError) -> Response:
    headers = {"Retry-After": str(ceil(error.retry_after.total_seconds()))} if error.retry_after else {}
    if isinstance(error, StoreUnavailable):
        _log.warning("store unavailable", path=request.url.path, cause=repr(error.__cause__))
    return of_error(error, instance=request.url.path).response(headers)


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    detail, headers = error.detail, dict(error.headers or {})
    if error.status_code == status.HTTP_404_NOT_FOUND:
        detail = "Nothing is at this path. GET /openapi.json lists what there is."
    elif error.status_code == status.HTTP_405_METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_at(request))
        detail = f"This path takes {headers['Allow']} only."
    return problem(error.status_code, detail, instance=request.url.path).response(headers)


async def _on_disconnect(_request: Request, _error: Exception) -> Response:
    # Nobody is there to read it. It is no fault of ours, so it goes into no log of those.
    return Response(status_code=status.HTTP_400_BAD_REQUEST)


async def _on_unexpected(request: Request, _error: Exception) -> Response:
    # The server logs the traceback; the client learns nothing of it.
    detail = "Something went wrong here, not with the request. It is safe to look whether the job was made."
    return problem(status.HTTP_500_INTERNAL_SERVER_ERROR, detail, instance=request.url.path).response()


async def _on_invalid_request(request: Request, invalid: RequestValidationError) -> Response:
    every = cast("Sequence[Mapping[str, Any]]", invalid.errors())
    errors = every[:MAX_ERRORS]
    fields = [FieldError(field=_field(error["loc"]), message=error["msg"]) for error in errors]
    if any(error["type"] == "json_invalid" for error in errors):
        code, title = status.HTTP_400_BAD_REQUEST, "Malformed JSON"
    elif any(error["loc"][0] == "header" for error in errors):
        code, title = status.HTTP_400_BAD_REQUEST, "Invalid header"
    else:
        code, title = status.HTTP_422_UNPROCESSABLE_CONTENT, "Invalid request"
    detail = "; ".join(f"{field.field}: {field.message}" for field in fields)
    if len(every) > MAX_ERRORS:
        detail = f"At least {len(every)} faults, of which these are the first {MAX_ERRORS}: {detail}"
    return problem(code, detail, instance=request.url.path, title=title, errors=fields).response()


def _field(location: Sequence[str | int]) -> str:
    """("body", "input", "pages") -> "input.pages"; ("body",) -> "body"."""
    return ".".join(str(part) for part in location[1:] or location)


def _methods_at(request: Request) -> list[str]:
    """What may be done at a path; each route by itself knows only its own."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    here = (route for route in routes if route.path_regex.match(request.url.path))
    return sorted({method for route in here for method in route.methods or ()})


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
