"""What happened to a job or a batch, live or as a list."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field

from api import examples
from api.dependencies import BatchEvents, Events, Hub
from api.documentation import BatchId, JobId, answer, problems
from api.streaming import EventStream, frame
from jobs.event_hub import EventHub
from jobs.events import Event, EventLog
from jobs.model import Frozen

router = APIRouter()

_LAST = 2**53
"""No event has a higher number; Redis would refuse one of more than 64 bits."""

After = Annotated[int, Query(ge=0, le=_LAST, description="Only events with a higher number")]
Limit = Annotated[int, Query(ge=1, le=500, description="Most events in a JSON answer")]
LastEventId = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, le=_LAST, description="As `after`, and wins over it", examples=[3]),
]


class EventPage(Frozen):
    events: list[Event]
    next_after: int = Field(description="Pass it as `after` for the events that follow")


def _page(example: Event) -> dict[str, Any]:
    page = answer(EventPage(events=[example], next_after=example.sequence), model=EventPage)
    page["content"]["text/event-stream"] = {"schema": {"type": "string"}, "example": frame(example).decode()}
    return page


_PAGE = _page(examples.EVENT)
_BATCH_PAGE = _page(examples.BATCH_EVENT)


@router.get(
    "/jobs/{job_id}/events",
    tags=["jobs"],
    summary="Follow the events of a job",
    response_class=Response,
    response_description="The events, as they happen; or with `Accept: application/json`, those until now",
    responses={200: _PAGE, 204: {"description": "Everything was seen, the final event too: do not connect again"}}
    | problems(400, 404, 410, 422, 503),
)
async def follow_events(  # a parameter each
    job_id: JobId,
    request: Request,
    events: Events,
    hub: Hub,
    after: After = 0,
    limit: Limit = 500,
    last_event_id: LastEventId = None,
) -> Response:
    """A `text/event-stream` from any position on, for as long as the job is kept. It ends after the final event.

    Each event's `id` is its number within the job: 1, 2, 3, ... so that a client that connects again with
    `Last-Event-ID`, as browsers do, misses none and sees none twice.
    """
    return await _answer(request, events, job_id, after=_start(after, last_event_id), limit=limit, hub=hub)


@router.get(
    "/batches/{batch_id}/events",
    tags=["batches"],
    summary="Follow the events of a batch",
    response_class=Response,
    response_description="The events, as they happen; or with `Accept: application/json`, those until now",
    responses={200: _BATCH_PAGE, 204: {"description": "Everything was seen, the final event too: do not connect again"}}
    | problems(400, 404, 410, 422, 503),
)
async def follow_batch_events(  # a parameter each
    batch_id: BatchId,
    request: Request,
    events: BatchEvents,
    hub: Hub,
    after: After = 0,
    limit: Limit = 500,
    last_event_id: LastEventId = None,
) -> Response:
    """A `job` event for every job of the batch that has ended, and a final one. Otherwise as the events of a job."""
    return await _answer(request, events, batch_id, after=_start(after, last_event_id), limit=limit, hub=hub)


async def _answer(request: Request, events: EventLog, whose: str, *, after: int, limit: int, hub: EventHub) -> Response:
    if not _wants_json(request):
        return EventStream(events.follow(whose, hub, after=after))
    found = await events.history(whose, after=after, limit=limit)
    page = EventPage(events=found, next_after=found[-1].sequence if found else after)
    return Response(page.model_dump_json(), media_type="application/json")


def _start(after: int, last_event_id: int | None) -> int:
    return after if last_event_id is None else last_event_id


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/event-stream" not in accept
