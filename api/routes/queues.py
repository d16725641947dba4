"""What waits."""

from fastapi import APIRouter

from api.dependencies import FleetNow
from api.documentation import answer, problems
from jobs.fleet import Queue
from jobs.model import Frozen
from jobs.pauses import Pause

router = APIRouter(tags=["operation"])


class QueueList(Frozen):
    queues: list[Queue]
    paused_kinds: dict[str, Pause]


_EXAMPLE = QueueList(queues=[Queue(name="default", queued=12, oldest_seconds=3.2)], paused_kinds={})


@router.get("/queues", summary="List the queues", responses={200: answer(_EXAMPLE)} | problems(503))
async def list_queues(fleet: FleetNow) -> QueueList:
    """How many jobs wait in each, for how long already, and what is paused."""
    return QueueList(queues=await fleet.queues(), paused_kinds=await fleet.paused_kinds())
