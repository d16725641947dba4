"""The kill switch: kinds, users, providers and models of which no job is started."""

from datetime import UTC, datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Path, Request
from pydantic import Field, ValidationInfo, field_validator

from api.dependencies import Store
from api.documentation import answer, problems
from api.hot_route import read_body
from api.routes.pauses import Order
from jobs import kinds
from jobs.errors import UnknownKind
from jobs.model import Frozen
from jobs.providers import check_name
from jobs.strikes import New, Running, Strike, Struck

router = APIRouter(tags=["operation"])

_log = structlog.stdlib.get_logger(__name__)

Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        pattern=r"^[A-Za-z0-9._:@/-]+$",
        description="Of a kind, user or provider; of a model: `provider/model`",
        examples=["openai"],
    ),
]


class NewStrike(Order):
    """What is to be struck, and what becomes of its jobs."""

    what: Struck
    name: Name
    new: Annotated[
        New,
        Field(description="New jobs: `reject` them with the reason (503; 409 for a user), or have them `wait`"),
    ]
    running: Annotated[Running, Field(description="Jobs that run: they `go_on`, or `cancel` them")]

    @field_validator("name")
    @classmethod
    def _is_there(cls, name: str, info: ValidationInfo) -> str:
        match info.data.get("what"):
            case "kind":
                try:
                    kinds.get(name)
                except UnknownKind as error:
                    raise ValueError(str(error)) from None
            case "provider":
                check_name(name)
            case "model":
                provider, _, model = name.partition("/")
                if not model:
                    raise ValueError("must be provider/model, such as openai/gpt-5.4-mini")
                check_name(provider)
            case _:
                pass
        return name


class StrikeList(Frozen):
    strikes: list[Strike]


class Lifted(Frozen):
    was_struck: bool


_ORDER: dict[str, Any] = {
    "what": "provider",
    "name": "openai",
    "new": "reject",
    "running": "go_on",
    "by": "ann@example.com",
    "why": "It answers nonsense",
}
_STRIKE = Strike(at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC), **_ORDER)


@router.post(
    "/strikes",
    summary="Strike a kind, a user, a provider or a model",
    responses={200: answer(_STRIKE)} | problems(400, 413, 415, 422, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": NewStrike.model_json_schema(), "example": _ORDER}},
        }
    },
)
async def create_strike(request: Request, store: Store) -> Strike:
    """None of its jobs is started until the strike is lifted, whatever restarts; those that are queued wait.

    A second strike of the same takes the place of the first.
    """
    order = await read_body(request, NewStrike)
    strike = await store.strikes.strike(
        order.what, order.name, by=order.by, why=order.why, new=order.new, running=order.running
    )
    _log.warning("struck", target=strike.target, by=order.by, why=order.why, new=order.new, running=order.running)
    return strike


@router.get(
    "/strikes", summary="List the strikes", responses={200: answer(StrikeList(strikes=[_STRIKE]))} | problems(503)
)
async def list_strikes(store: Store) -> StrikeList:
    """What is struck now, by whom, when and why."""
    return StrikeList(strikes=await store.strikes.all())


@router.delete(
    "/strikes/{what}/{name:path}",
    summary="Lift a strike",
    responses={200: answer(Lifted(was_struck=True))} | problems(422, 503),
)
async def lift_strike(
    what: Struck, name: Annotated[Name, Path(description="As it was struck")], store: Store
) -> Lifted:
    """Its jobs run again, each at the place that it had, and new ones are accepted. May be repeated."""
    was_struck = await store.strikes.lift(what, name)
    _log.warning("lifted", target=f"{what}:{name}", was_struck=was_struck)
    return Lifted(was_struck=was_struck)
