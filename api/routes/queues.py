"""What waits."""

from fastapi import APIRouter

from api.dependencies import FleetNow
from api.documentation import answer, problems
from jobs.fleet import Queue
from jobs.model import Frozen

router = APIRouter(tags=["operation"])


class QueueList(Frozen):
    queues: list[Queue]


_EXAMPLE = QueueList(queues=[Queue(name="default", queued=12, oldest_seconds=3.2)])


@router.get("/queues", summary="List the queues", responses={200: answer(_EXAMPLE)} | problems(503))
async def list_queues(fleet: FleetNow) -> QueueList:
    """How many jobs wait in each, and for how long already."""
    return QueueList(queues=await fleet.queues())
