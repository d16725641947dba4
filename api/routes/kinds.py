"""The kinds of job, and a path to submit each."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel, Field

from api.documentation import answer, body_example, problems
from api.hot_route import HotRoute
from api.idempotency import IdempotencyKey
from api.submission import SUBMITTED, body_model, split, submit
from jobs import kinds
from jobs.kinds import Kind
from jobs.model import Frozen


class KindBody(Frozen):
    name: str
    path: str = Field(description="Where to POST it")
    summary: str
    queue: str
    time_limit_seconds: float = Field(description="Longest run of one attempt")
    input: dict[str, Any] = Field(description="JSON schema of the input")
    result: dict[str, Any] = Field(description="JSON schema of the result")


class KindList(Frozen):
    kinds: list[KindBody]


_EXAMPLE_LIST = KindList(
    kinds=[
        KindBody(
            name="story",
            path="/stories",
            summary="An illustrated picture book",
            queue="default",
            time_limit_seconds=3600,
            input={"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]},
            result={"type": "object", "properties": {"title": {"type": "string"}}},
        )
    ]
)


def create_router() -> APIRouter:
    """`GET /kinds`, and a POST for every kind that there is."""
    router = APIRouter(tags=["kinds"], route_class=HotRoute)

    @cache
    def everything() -> KindList:
        return KindList(kinds=[_body(kind) for kind in kinds.known()])

    @router.get(
        "/kinds",
        summary="List the kinds of job",
        responses={200: answer(_EXAMPLE_LIST)} | problems(),
    )
    async def list_kinds() -> KindList:
        """What this deployment makes, with the JSON schemas of input and result."""
        return everything()

    for kind in kinds.known():
        body = body_model(kind)
        router.add_api_route(
            kind.path,
            _submission(kind, body),
            methods=["POST"],
            status_code=status.HTTP_202_ACCEPTED,
            name=f"create_{kind.name}",
            summary=f"Submit a {kind.name.replace('_', ' ')}",
            description=f"{kind.summary}. Answers as soon as the job is stored.",
            response_description="The job was stored and will run",
            responses=SUBMITTED,
            openapi_extra=body_example(_example(body)),
        )
    return router


def _submission(kind: Kind, model: type[BaseModel]) -> Callable[..., Awaitable[Response]]:
    async def submit_kind(request: Request, body: BaseModel, idempotency_key: IdempotencyKey = None) -> Response:
        content, options = split(kind, body)
        return await submit(request, kind, content, options, idempotency_key)

    submit_kind.__annotations__["body"] = model
    return submit_kind


def _body(kind: Kind) -> KindBody:
    return KindBody(
        name=kind.name,
        path=kind.path,
        summary=kind.summary,
        queue=kind.queue,
        time_limit_seconds=kind.time_limit.total_seconds(),
        input=kind.input.model_json_schema(),
        result=kind.result.model_json_schema(),
    )


def _example(model: type[BaseModel]) -> dict[str, Any]:
    """From the examples of the fields, as the models have them."""
    return {name: field.examples[0] for name, field in model.model_fields.items() if field.examples}
