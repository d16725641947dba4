"""What happened to a job, live or as a list."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response, status
from fastapi.sse import EventSourceResponse
from pydantic import Field

from api import examples
from api.dependencies import Closing, Events, Store
from api.documentation import JobId, answer, problems
from api.streaming import HEADERS, frame, stream
from jobs.events import Event
from jobs.model import Frozen
from jobs.states import FINAL

router = APIRouter(tags=["jobs"])

_LAST = 2**53
"""No event has a higher number; Redis would refuse one of more than 64 bits."""


class EventPage(Frozen):
    events: list[Event]
    next_after: int = Field(description="Pass it as `after` for the events that follow")


_PAGE = answer(EventPage(events=[examples.EVENT], next_after=1), model=EventPage)
_PAGE["content"]["text/event-stream"] = {"schema": {"type": "string"}, "example": frame(examples.EVENT).decode()}


@router.get(
    "/jobs/{job_id}/events",
    summary="Follow the events of a job",
    response_class=Response,
    response_description="The events, as they happen; or with `Accept: application/json`, those until now",
    responses={200: _PAGE, 204: {"description": "Everything was seen, the final event too: do not connect again"}}
    | problems(400, 404, 410, 422, 503),
)
async def follow_events(  # a parameter each
    job_id: JobId,
    request: Request,
    store: Store,
    events: Events,
    closing: Closing,
    after: Annotated[int, Query(ge=0, le=_LAST, description="Only events with a higher number")] = 0,
    limit: Annotated[int, Query(ge=1, le=500, description="Most events in a JSON answer")] = 500,
    last_event_id: Annotated[
        int | None,
        Header(alias="Last-Event-ID", ge=0, le=_LAST, description="As `after`, and wins over it", examples=[3]),
    ] = None,
) -> Response:
    """A `text/event-stream` from any position on, for as long as the job is kept. It ends after the final event.

    Each event's `id` is its number within the job: 1, 2, 3, ... so that a client that connects again with
    `Last-Event-ID`, as browsers do, misses none and sees none twice.
    """
    start = after if last_event_id is None else last_event_id
    if _wants_json(request):
        found = await events.history(job_id, after=start, limit=limit)
        page = EventPage(events=found, next_after=found[-1].sequence if found else start)
        return Response(page.model_dump_json(), media_type="application/json")
    job = await store.get(job_id)
    # Asked after the state: whatever ended the job is among the events by now.
    unseen = await events.history(job_id, after=start, limit=1)
    if job.state in FINAL and not unseen:
        return Response(status_code=status.HTTP_204_NO_CONTENT)
    return EventSourceResponse(stream(events, job_id, after=start, closing=closing), headers=HEADERS)


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/event-stream" not in accept
