"""Batches: many jobs asked for at once, counted, cancelled and fetched together."""

import asyncio
from collections.abc import AsyncIterator

import structlog
from fastapi import APIRouter, Request, Response, status
from fastapi.responses import StreamingResponse

from api import examples
from api.batch_body import JSON, JSON_LINES, BatchRequest, NewBatchBody
from api.dependencies import Batches, UploadStore, settings_of
from api.documentation import BatchId, answer, problems
from api.idempotency import IdempotencyKey, idempotency, parse_key
from api.representation import POLL_AFTER, BatchBody, batch_body, outcome_body
from jobs.batches import Batch, Outcome
from jobs.errors import StoreUnavailable
from jobs.states import FINAL

PATH = "/batches"

router = APIRouter(tags=["batches"])
_log = structlog.stdlib.get_logger(__name__)

_TOGETHER = {"custom_id": "book-17", "kind": "story", "input": {"title": "My Story", "prompt": "A magical adventure"}}


@router.post(
    PATH,
    status_code=status.HTTP_202_ACCEPTED,
    summary="Submit a batch of jobs",
    response_description="All of the jobs were stored and will run",
    responses={
        202: answer(
            examples.BATCH,
            model=BatchBody,
            headers={
                "Location": "The URL of the batch",
                "Retry-After": "Seconds until it is worth asking how it is",
                "Idempotent-Replayed": "`true` when an earlier request with the same key made the batch",
            },
        )
    }
    | problems(400, 413, 415, 422, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": {"$ref": f"#/components/schemas/{NewBatchBody.__name__}"},
                    "example": {"jobs": [_TOGETHER], "priority": 6},
                },
                JSON_LINES[0]: {"schema": {"type": "string"}, "example": str(_TOGETHER).replace("'", '"')},
            },
        }
    },
)
async def create_batch(
    request: Request, batches: Batches, uploads: UploadStore, idempotency_key: IdempotencyKey = None
) -> Response:
    """All of the jobs are accepted, or none. Each is a job of its own too, with its own URL.

    As JSON lines every line is one of the `jobs`; the options that hold for all of them are query parameters then.
    """
    raw = await request.body()
    content_type = request.headers.get("content-type", "")
    # Ten thousand inputs take most of a second to check; other requests need not wait for that.
    batch = await asyncio.to_thread(BatchRequest, raw, content_type, dict(request.query_params), settings_of(request))
    key = parse_key(idempotency_key)
    token = idempotency(key, user_id=batch.user_id, path=PATH, body=batch.compared() if key else {})
    await batch.check_uploads(uploads, token)
    created = await batches.create(batch.items, user_id=batch.user_id, idempotency=token)
    response = _response(await batches.get(created.job_id), status.HTTP_202_ACCEPTED)
    response.headers["Location"] = f"{PATH}/{created.job_id}"
    if created.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


@router.get(
    "/batches/{batch_id}",
    summary="Look at a batch",
    response_description="The batch as it is now",
    responses={200: answer(examples.BATCH, model=BatchBody)} | problems(404, 503),
)
async def get_batch(batch_id: BatchId, batches: Batches) -> Response:
    """How many of its jobs are in which state."""
    return _response(await batches.get(batch_id))


@router.post(
    "/batches/{batch_id}/cancel",
    summary="Cancel a batch",
    response_description="The batch, without a job that still runs or waits",
    responses={200: answer(examples.BATCH, model=BatchBody)} | problems(404, 503),
)
async def cancel_batch(batch_id: BatchId, batches: Batches) -> Response:
    """Cancels those of its jobs that have not ended. May be repeated."""
    await batches.cancel(batch_id)
    return _response(await batches.get(batch_id))


@router.get(
    "/batches/{batch_id}/results",
    summary="Fetch what became of the jobs of a batch",
    response_class=Response,
    response_description="A line of JSON for each job, in the order of the request",
    responses={
        200: {"content": {JSON_LINES[0]: {"schema": {"type": "string"}, "example": examples.OUTCOME.model_dump_json()}}}
    }
    | problems(404, 503),
)
async def get_batch_results(batch_id: BatchId, batches: Batches) -> Response:
    """May be fetched at any time: jobs that have not ended are there with their state, failed ones with their error."""
    outcomes = batches.outcomes(batch_id)
    first = await anext(outcomes)
    return StreamingResponse(_lines(batch_id, first, outcomes), media_type=JSON_LINES[0])


async def _lines(batch_id: str, first: Outcome, others: AsyncIterator[Outcome]) -> AsyncIterator[str]:
    yield outcome_body(first).model_dump_json() + "\n"
    try:
        async for outcome in others:
            yield outcome_body(outcome).model_dump_json() + "\n"
    except StoreUnavailable:
        # The status is sent already. A transfer that breaks off is what tells the client.
        _log.warning("results ended early: the store is away", batch=batch_id)
        raise


def _response(batch: Batch, status_code: int = status.HTTP_200_OK) -> Response:
    body = batch_body(batch).model_dump_json()
    response = Response(body, status_code=status_code, media_type=JSON)
    if batch.state not in FINAL:
        response.headers["Retry-After"] = str(POLL_AFTER)
    return response
