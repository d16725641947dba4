"""Who works."""

from datetime import UTC, datetime

from fastapi import APIRouter

from api.dependencies import FleetNow
from api.documentation import EXAMPLE_ID, answer, problems
from jobs.fleet import WorkerReport
from jobs.model import Frozen

router = APIRouter(tags=["operation"])


class WorkerList(Frozen):
    workers: list[WorkerReport]


_EXAMPLE = WorkerList(
    workers=[
        WorkerReport(
            id="worker-1:17:a28c1a",
            host="worker-1",
            pid=17,
            version="0.1.0",
            queues=["default"],
            started_at=datetime(2026, 11, 22, 11, 0, tzinfo=UTC),
            seen_at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
            jobs=[EXAMPLE_ID],
        )
    ]
)


@router.get("/workers", summary="List the workers", responses={200: answer(_EXAMPLE)} | problems(503))
async def list_workers(fleet: FleetNow) -> WorkerList:
    """Those that reported within the last minute, with the jobs that they run."""
    return WorkerList(workers=await fleet.workers())
