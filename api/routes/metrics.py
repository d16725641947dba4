"""Prometheus."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from api.dependencies import FleetNow
from api.documentation import problems
from api.metrics import FleetCollector

router = APIRouter(tags=["operation"])

_EXAMPLE = """\
# HELP headrace_demand Queued and running jobs: what to scale workers by
# TYPE headrace_demand gauge
headrace_demand 12.0
"""


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": _EXAMPLE}}}} | problems(503),
)
async def get_metrics(request: Request, fleet: FleetNow) -> Response:
    """Counters, histograms and gauges of the whole fleet, whichever process is asked."""
    registry = CollectorRegistry()
    registry.register(await FleetCollector.read(fleet))
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), media_type=content_type)
