"""Schedules: jobs that are made again and again."""

from collections.abc import Sequence
from typing import Annotated, Any, Self
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api import examples
from api.dependencies import Schedules, Store, schedules_of, settings_of
from api.documentation import ID_PATTERN, ScheduleId, answer, body_example, problems
from api.hot_route import HotRoute, invalid_body, read_body
from api.idempotency import IdempotencyKey, idempotency, parse_key
from api.representation import accepted
from api.schedule_body import SCHEDULE_CHANGES, NewScheduleBody, changed
from api.submission import ACCEPTED, KindName, check_time_limit, invalid, named_uploads, new_job, parse, permitted
from jobs.model import Frozen, UserId
from jobs.new_job import NewJob
from jobs.schedules import Schedule

PATH = "/schedules"

router = APIRouter(tags=["schedules"], route_class=HotRoute)


class ScheduleUrls(Frozen):
    self: str
    pause: str
    resume: str
    run: str

    @classmethod
    def of(cls, schedule_id: str) -> Self:
        url = f"{PATH}/{schedule_id}"
        return cls(self=url, pause=f"{url}/pause", resume=f"{url}/resume", run=f"{url}/run")


class ScheduleBody(Schedule):
    """A schedule, with the URLs of what can be done with it."""

    urls: ScheduleUrls


class SchedulesBody(Frozen):
    schedules: Sequence[ScheduleBody]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last one")


class ScheduleQuery(BaseModel):
    """Which schedules are listed."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[KindName | None, Field(description="Only those of this kind")] = None
    user_id: Annotated[UserId | None, Field(description="Only those of this user")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Most schedules on a page")] = 50
    cursor: Annotated[str | None, Field(pattern=ID_PATTERN, description="The `next_cursor` of the page before")] = None


def _body(schedule: Schedule) -> ScheduleBody:
    return ScheduleBody(**dict(schedule), urls=ScheduleUrls.of(schedule.id))


_EXAMPLE = _body(examples.SCHEDULE)


@router.post(
    PATH,
    status_code=status.HTTP_201_CREATED,
    summary="Make a schedule",
    response_description="The schedule was stored; its first job is made at the first of `next_runs`",
    responses={
        201: answer(
            _EXAMPLE,
            model=ScheduleBody,
            headers={
                "Location": "The URL of the schedule",
                "Idempotent-Replayed": "`true` when an earlier request with the same key made the schedule",
            },
        )
    }
    | problems(400, 409, 413, 415, 422, 503),
    openapi_extra=body_example(
        {
            "kind": "story",
            "input": {"title": "My Story", "prompt": "A magical adventure"},
            "cron": "0 9 * * MON-FRI",
            "time_zone": "Europe/Berlin",
        }
    ),
)
async def create_schedule(request: Request, body: NewScheduleBody, idempotency_key: IdempotencyKey = None) -> Response:
    """A job is made at each of its times, by whichever workers live. The input is checked now, once for all of them."""
    schedules, new = schedules_of(request), _checked(request, body)
    token = idempotency(idempotency_key, user_id=new.user_id, path=PATH, body=body.model_dump(mode="json"))
    try:
        created = await schedules.create(new, body.recurrence(), overlap=body.overlap, idempotency=token)
    except ValueError as error:
        raise invalid("cron", str(error)) from None
    response = await _response(schedules, created.job_id, status.HTTP_201_CREATED)
    response.headers["Location"] = f"{PATH}/{created.job_id}"
    if created.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _checked(request: Request, body: NewScheduleBody) -> NewJob:
    """What its jobs are to be. Raises RequestValidationError."""
    kind, content = parse(body)
    options = permitted(body, settings_of(request))
    check_time_limit(options, [kind])
    if named := named_uploads(kind, content):
        why = "a schedule cannot have one: uploads end after HEADRACE_RETENTION, and its runs go on; leave it out"
        raise invalid(f"input.{next(iter(named))}", why)
    if body.cron is None and body.interval_seconds is None:
        raise invalid("cron", "give cron or interval_seconds")
    return new_job(kind, content, options, settings_of(request))


@router.get(
    PATH,
    summary="List schedules, newest first",
    response_description="One page of schedules",
    responses={
        200: answer(
            SchedulesBody(schedules=[_EXAMPLE], next_cursor=None),
            model=SchedulesBody,
            headers={"Link": '`<...>; rel="next"`, the URL of the next page if there is one'},
        )
    }
    | problems(422, 503),
)
async def list_schedules(schedules: Schedules, query: Annotated[ScheduleQuery, Query()]) -> Response:
    """With their next times and last runs. A page may have fewer than `limit` although there are more."""
    page = await schedules.page(kind=query.kind, user_id=query.user_id, limit=query.limit, cursor=query.cursor)
    body = SchedulesBody(schedules=[_body(one) for one in page.schedules], next_cursor=page.cursor)
    response = Response(body.model_dump_json(), media_type="application/json")
    if page.cursor:
        following = query.model_copy(update={"cursor": page.cursor}).model_dump(exclude_none=True)
        response.headers["Link"] = f'<{PATH}?{urlencode(following)}>; rel="next"'
    return response


_ONE: dict[int | str, dict[str, Any]] = {200: answer(_EXAMPLE, model=ScheduleBody)} | problems(404, 503)


@router.get(
    PATH + "/{schedule_id}",
    summary="Look at a schedule",
    response_description="The schedule as it is now",
    responses=_ONE,
)
async def get_schedule(schedule_id: ScheduleId, schedules: Schedules) -> Response:
    """Its next times, and its last runs with what became of them."""
    return await _response(schedules, schedule_id)


@router.patch(
    PATH + "/{schedule_id}",
    summary="Change a schedule",
    response_description="The schedule as it is now",
    responses={200: answer(_EXAMPLE, model=ScheduleBody)} | problems(400, 404, 413, 415, 422, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{SCHEDULE_CHANGES.__name__}"},
                    "example": {"cron": "0 7 * * *", "overlap": "queue"},
                }
            },
        }
    },
)
async def change_schedule(schedule_id: ScheduleId, request: Request, schedules: Schedules) -> Response:
    """What is said takes the place of what was; `input` as a whole. Jobs that are made stay as they are.

    With other times, the next one is counted from now; `cron` takes the place of an interval, and the other way about.
    What a schedule is of, its `kind` and `user_id`, stays. May be repeated.
    """
    changes = await read_body(request, SCHEDULE_CHANGES)
    made = False
    while not made:
        seen = await schedules.get(schedule_id)
        try:
            body = changed(seen, changes)
        except ValidationError as error:
            raise invalid_body(error) from None
        new = _checked(request, body)
        try:
            made = await schedules.change(seen, new, body.recurrence(), overlap=body.overlap)
        except ValueError as error:
            raise invalid("cron", str(error)) from None
    return await _response(schedules, schedule_id)


@router.post(
    PATH + "/{schedule_id}/run",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Run a schedule now",
    response_description="The job was made, and is as those that the schedule makes at its times",
    responses={202: ACCEPTED} | problems(404, 409, 422, 503),
)
async def run_schedule(
    schedule_id: ScheduleId, schedules: Schedules, store: Store, idempotency_key: IdempotencyKey = None
) -> Response:
    """One more run, which is among its last runs. Its times stay as they are; it may be paused.

    While the job of the run before has not ended, `overlap` decides: with `skip`, this is a 409.
    """
    created = await schedules.run(schedule_id, key=parse_key(idempotency_key))
    return accepted(await store.get(created.job_id), replayed=created.replayed)


@router.post(
    PATH + "/{schedule_id}/pause",
    summary="Pause a schedule",
    response_description="The schedule, which makes no job until it is resumed",
    responses=_ONE,
)
async def pause_schedule(schedule_id: ScheduleId, schedules: Schedules) -> Response:
    """Jobs that it has made go on. May be repeated."""
    await schedules.pause(schedule_id)
    return await _response(schedules, schedule_id)


@router.post(
    PATH + "/{schedule_id}/resume",
    summary="Resume a schedule",
    response_description="The schedule, with its next times",
    responses=_ONE,
)
async def resume_schedule(schedule_id: ScheduleId, schedules: Schedules) -> Response:
    """It goes on with its next time from now: the times of the pause are not made up for. May be repeated."""
    await schedules.resume(schedule_id)
    return await _response(schedules, schedule_id)


@router.delete(
    PATH + "/{schedule_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a schedule",
    response_description="There is no such schedule any more",
    response_class=Response,
    responses=problems(404, 503),
)
async def delete_schedule(schedule_id: ScheduleId, schedules: Schedules) -> Response:
    """Jobs that it has made go on."""
    await schedules.remove(schedule_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


async def _response(schedules: Schedules, schedule_id: str, status_code: int = status.HTTP_200_OK) -> Response:
    body = _body(await schedules.get(schedule_id)).model_dump_json()
    return Response(body, status_code=status_code, media_type="application/json")
