"""From a request body to a job."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Protocol, TypeVar, cast

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, Field, ValidationError, create_model

from api import examples
from api.dependencies import settings_of, store_of, uploads_of
from api.documentation import answer, problems
from api.hot_route import invalid_body
from api.idempotency import idempotency
from api.representation import JobBody, accepted, job_response, job_url, just_accepted
from api.requested_models import requested_models
from jobs import kinds
from jobs.errors import UnknownKind
from jobs.kinds import Kind
from jobs.limits import Concurrency
from jobs.new_job import Dedup, NewJob
from jobs.options import JobOptions, RunOptions, Timing
from jobs.priorities import PRIORITIES
from jobs.settings import Settings

ACCEPTED = answer(
    examples.QUEUED,
    model=JobBody,
    headers={
        "Location": "The URL of the job",
        "Retry-After": "Seconds until it is worth asking how it is",
        "Idempotent-Replayed": "`true` when an earlier request made the job: one with the same key, or the same retry",
    },
)
"""What every request that makes a job is answered with."""

DUPLICATE = answer(examples.QUEUED, model=JobBody, headers={"Location": "The URL of the job"}) | {
    "description": "No job was made: this one has the same `dedup_key`"
}

SUBMITTED = {200: DUPLICATE, 202: ACCEPTED} | problems(400, 409, 413, 415, 422, 503)
"""The responses of a request for one job."""

NO_UPLOAD = "there is no such upload, or it has expired; send the picture to POST /uploads first"


def _known(name: str) -> str:
    try:
        return kinds.get(name).name
    except UnknownKind as error:
        raise ValueError(str(error)) from None


Options = TypeVar("Options", bound=RunOptions)

KindName = Annotated[
    str,
    AfterValidator(_known),
    Field(description="One of the names that `GET /kinds` lists", examples=["story"]),
]


class NewJobBody(JobOptions):
    """A job of any kind."""

    kind: KindName
    input: Annotated[
        dict[str, Any],
        Field(
            description="What the kind asks for, see `GET /kinds`",
            examples=[{"title": "My Story", "prompt": "A magical adventure"}],
        ),
    ]


def body_model(kind: Kind) -> type[BaseModel]:
    """The kind's input and the job options in one flat model; `jobs.kinds` has seen to it that no name is in both."""
    name = f"New{kind.name.title().replace('_', '')}"
    return create_model(name, __base__=(kind.input, JobOptions), __doc__=kind.summary)


def split(kind: Kind, body: BaseModel) -> tuple[dict[str, Any], JobOptions]:
    """The input, as JSON types, and the options of a body that `body_model` describes."""
    content = body.model_dump(mode="json", include=set(kind.input.model_fields))
    return content, cast("JobOptions", body)


class NamesKind(Protocol):
    """A body with a kind, and an input that is to be its."""

    kind: str
    input: dict[str, Any]


def parse(body: NamesKind) -> tuple[Kind, dict[str, Any]]:
    """The kind that a body names, and its input. Raises RequestValidationError, which names the fields."""
    kind = kinds.get(body.kind)
    try:
        return kind, kind.input.model_validate(body.input).model_dump(mode="json")
    except ValidationError as error:
        raise invalid_body(error, "input") from None


def invalid(field: str, message: str, *, where: str = "body") -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": (where, field), "msg": message}])


async def submit(
    request: Request, kind: Kind, content: dict[str, Any], options: JobOptions, key: str | None
) -> Response:
    """Stores the job and answers 202, or 200 with one that has its dedup_key.

    Raises RequestValidationError, IdempotencyConflict, DuplicateJob, ConcurrencyLimit, StruckOut,
    StoreUnavailable.
    """
    store = store_of(request)
    options = permitted(options, settings_of(request))
    check_time_limit(options, [kind])
    new = new_job(kind, content, options, settings_of(request))
    compared = {"kind": kind.name, "input": content, "options": options_in_json(options)} if key else {}
    token = idempotency(key, user_id=options.user_id, path=request.scope["path"], body=compared)
    named = named_uploads(kind, content)
    if named and (unknown := await uploads_of(request).unknown(named.values(), token)):
        field = next(field for field, upload_id in named.items() if upload_id in unknown)
        raise invalid(f"input.{field}" if isinstance(options, NewJobBody) else field, NO_UPLOAD)
    created = await store.create(new, token)
    if created.duplicate:
        return job_response(await store.get(created.job_id), headers={"Location": job_url(created.job_id)})
    if created.new is None or created.created_at is None:
        return accepted(await store.get(created.job_id), replayed=True)
    return just_accepted(created.job_id, created.new, created.created_at, created.waiting)


def permitted(options: Options, settings: Settings, *, where: str = "body") -> Options:
    """The options, no more urgent than clients may be. Raises RequestValidationError for what is not permitted."""
    longest = int(settings.retention.total_seconds())
    if options.retention_seconds and options.retention_seconds > longest:
        raise invalid("retention_seconds", f"must be {longest} or less, as this deployment has it", where=where)
    limit = settings.most_urgent_priority
    if options.priority >= limit:
        return options
    if "priority" in options.model_fields_set:
        raise invalid(
            "priority", f"must be {limit} to {PRIORITIES.stop - 1}; this deployment keeps 0 to {limit - 1}", where=where
        )
    return options.model_copy(update={"priority": limit})


def check_time_limit(options: RunOptions, kinds_of: Iterable[Kind], *, where: str = "body") -> None:
    """Whether a run may be so long for all of these kinds. Raises RequestValidationError."""
    for kind in kinds_of:
        longest = int(kind.time_limit.total_seconds())
        if options.time_limit_seconds and options.time_limit_seconds > longest:
            raise invalid("time_limit_seconds", f"must be {longest} or less for a {kind.name}", where=where)


def new_job(kind: Kind, content: dict[str, Any], options: RunOptions, settings: Settings) -> NewJob:
    """The job that the store is to make."""
    new = NewJob(
        kind=kind,
        input=content,
        user_id=options.user_id,
        priority=options.priority,
        max_attempts=options.max_attempts,
        start_deadline=_seconds(options.start_deadline_seconds),
        max_cost=options.max_cost,
        time_limit=_seconds(options.time_limit_seconds),
        retention=_seconds(options.retention_seconds),
        models=requested_models(kind, content, settings),
        concurrency=_concurrency(kind, content, options),
    )
    if isinstance(options, Timing):
        new = timed(new, options)
    if isinstance(options, JobOptions) and options.dedup_key:
        within, reject = _seconds(options.dedup_seconds), options.on_duplicate == "reject"
        new = replace(new, dedup=Dedup(options.dedup_key, within, reject=reject))
    return new


def _concurrency(kind: Kind, content: dict[str, Any], options: RunOptions) -> Concurrency | None:
    """How many such jobs may run at once: as its kind has it, or else as its client. Raises RequestValidationError."""
    on_limit = options.on_limit if isinstance(options, JobOptions) else "queue"
    if kind.concurrency_key and options.concurrency_key:
        raise invalid("concurrency_key", f"a {kind.name} has one of its own; leave it out")
    try:
        key, limit = kind.concurrency_of(content), kind.concurrency_limit
    except ValueError as error:
        raise invalid("input", f"gives a {kind.name} no concurrency key: {error}") from None
    if options.concurrency_key:
        key, limit = options.concurrency_key, options.concurrency_limit
    if key is None:
        if on_limit != "queue":
            raise invalid("on_limit", "needs a concurrency_key")
        return None
    return Concurrency(key, limit, on_limit)


def timed(new: NewJob, timing: Timing) -> NewJob:
    """The job at that time; as it is, when none is said."""
    if timing.run_at is None and timing.delay_seconds is None:
        return new
    return replace(new, run_at=timing.run_at, delay=_seconds(timing.delay_seconds))


def _seconds(seconds: int | None) -> timedelta | None:
    return timedelta(seconds=seconds) if seconds else None


def named_uploads(kind: Kind, content: Mapping[str, Any]) -> dict[str, str]:
    """Field of the input -> the upload that it names."""
    return {field: content[field] for field in kind.uploads if content[field] is not None}


def options_in_json(options: RunOptions) -> dict[str, Any]:
    return options.model_dump(mode="json", include=set(JobOptions.model_fields))
