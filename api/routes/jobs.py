"""Jobs: made, listed, looked at, cancelled and retried."""

from typing import Annotated, Any, Self
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api import examples
from api.dependencies import Jobs, Store, store_of
from api.documentation import JobId, answer, body_example, problems
from api.hot_route import HotRoute, read_body
from api.idempotency import IdempotencyKey, idempotency, parse_key
from api.representation import JobBody, JobPage, accepted, job_body, job_response, unless_known
from api.submission import ACCEPTED, SUBMITTED, KindName, NewJobBody, invalid, parse, submit
from jobs import kinds
from jobs.errors import UnknownStep
from jobs.listing import Filter, InvalidCursor
from jobs.model import Job, UserId
from jobs.states import State

router = APIRouter(tags=["jobs"], route_class=HotRoute)

_POLL = {"Retry-After": "Seconds until it is worth asking again; only while the job is not final"}


class JobQuery(BaseModel):
    """Which jobs are listed. A condition that is not known is refused: ignored, it would list too much."""

    model_config = ConfigDict(extra="forbid")

    state: Annotated[State | None, Field(description="Only jobs in this state")] = None
    kind: Annotated[KindName | None, Field(description="Only jobs of this kind")] = None
    user_id: Annotated[UserId | None, Field(description="Only jobs of this user")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Most jobs on a page")] = 50
    cursor: Annotated[str | None, Field(max_length=200, description="The `next_cursor` of the page before")] = None


class RetryBody(BaseModel):
    """What of a job to make anew."""

    model_config = ConfigDict(extra="forbid")

    from_step: Annotated[
        str | None,
        Field(min_length=1, max_length=200, description="A saved step: `section:3`. The job's events name them"),
    ] = None
    seed: Annotated[
        int | None,
        Field(
            ge=0,
            lt=2**31,
            description="In place of the input's, for what is made anew; with the same one it may come out the same",
        ),
    ] = None

    @model_validator(mode="after")
    def _seed_has_a_step(self) -> Self:
        if self.seed is not None and self.from_step is None:
            raise ValueError("seed: needs from_step, which says what to make anew with it")
        return self


@router.post(
    "/jobs",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Submit a job of any kind",
    response_description="The job was stored and will run",
    responses=SUBMITTED,
    openapi_extra=body_example(
        {"kind": "story", "input": {"title": "My Story", "prompt": "A magical adventure"}, "priority": 3}
    ),
)
async def create_job(request: Request, body: NewJobBody, idempotency_key: IdempotencyKey = None) -> Response:
    """Answers as soon as the job is stored. What `input` is depends on the kind: `GET /kinds` has the schemas."""
    kind, content = parse(body)
    return await submit(request, kind, content, body, idempotency_key)


@router.get(
    "/jobs",
    summary="List jobs, newest first",
    response_description="One page of jobs",
    responses={
        200: answer(
            JobPage(jobs=[examples.QUEUED], next_cursor=None),
            model=JobPage,
            headers={"Link": '`<...>; rel="next"`, the URL of the next page if there is one'},
        )
    }
    | problems(422, 503),
)
async def list_jobs(jobs: Jobs, query: Annotated[JobQuery, Query()]) -> Response:
    """A page may have fewer jobs than `limit` although there are more: go by `next_cursor`."""
    wanted = Filter(state=query.state, kind=query.kind, user_id=query.user_id)
    try:
        page = await jobs.page(wanted, limit=query.limit, cursor=query.cursor)
    except InvalidCursor as error:
        raise invalid("cursor", str(error), where="query") from None
    body = JobPage(jobs=[job_body(job) for job in page.jobs], next_cursor=page.cursor)
    response = Response(body.model_dump_json(), media_type="application/json")
    if page.cursor:
        following = query.model_copy(update={"cursor": page.cursor}).model_dump(exclude_none=True)
        response.headers["Link"] = f'</jobs?{urlencode(following)}>; rel="next"'
    return response


@router.get(
    "/jobs/{job_id}",
    summary="Look at a job",
    response_description="The job as it is now",
    responses={
        200: answer(examples.COMPLETED, model=JobBody, headers={"ETag": "Changes whenever the job does", **_POLL}),
        304: {"description": "Nothing has changed since the ETag in `If-None-Match`"},
    }
    | problems(404, 503),
)
async def get_job(job_id: JobId, request: Request) -> Response:
    """State, progress, result or error, files, and what it waits for. Send `If-None-Match` to poll at little cost."""
    return unless_known(request, await store_of(request).get(job_id))


@router.post(
    "/jobs/{job_id}/cancel",
    summary="Cancel a job",
    response_description="The job, which is final now",
    responses={200: answer(examples.CANCELLED, model=JobBody)} | problems(404, 503),
)
async def cancel_job(job_id: JobId, store: Store) -> Response:
    """May be repeated. A job that has ended stays as it is; a running one is stopped at once."""
    await store.cancel(job_id)
    return job_response(await store.get(job_id))


@router.post(
    "/jobs/{job_id}/retry",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Retry a job that has ended, as a whole or from a step on",
    response_description="A new job, which does not pay again for the steps that it takes over",
    responses={202: ACCEPTED} | problems(400, 404, 409, 413, 415, 422, 503),
    openapi_extra={
        "requestBody": {
            "content": {
                "application/json": {"schema": RetryBody.model_json_schema(), "example": {"from_step": "section:3"}}
            }
        }
    },
)
async def retry_job(job_id: JobId, request: Request, store: Store, idempotency_key: IdempotencyKey = None) -> Response:
    """Makes a new job with the same input and the saved steps, if the job failed, was cancelled or expired.

    With `from_step`, also of a completed job: that step is made anew, and all steps of the phases that come after its
    own (`section` is the phase of `section:3`); every other step is taken over. Asked again for the same, it answers
    with that same new job.
    """
    key = parse_key(idempotency_key)
    body = await read_body(request, RetryBody) if await request.body() else RetryBody()
    job = await store.get(job_id)
    compared = body.model_dump(exclude_none=True)
    token = idempotency(key, user_id=job.user_id, path=request.url.path, body=compared)
    try:
        created = await store.retry(job_id, token, from_step=body.from_step, changed_input=_with_seed(job, body.seed))
    except UnknownStep as error:
        raise invalid("from_step", str(error)) from None
    return accepted(await store.get(created.job_id), replayed=created.replayed)


def _with_seed(job: Job, seed: int | None) -> dict[str, Any] | None:
    """The job's input with another seed; None without one. Raises RequestValidationError when its kind has none."""
    if seed is None:
        return None
    if "seed" not in kinds.get(job.kind).input.model_fields:
        raise invalid("seed", f"a {job.kind} has none; leave it out")
    return job.input | {"seed": seed}
