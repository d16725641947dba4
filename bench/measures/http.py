"""How fast one API process takes jobs over HTTP."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import urlopen

import httpx

from bench.bench import Bench, Column, Table
from bench.lab import Family, Lab
from bench.load import BODY, program, requests_a_second
from bench.machine import free_port
from bench.systems import CELERY, CELERY_LATE, HEADRACE, SYSTEMS, System

EMPTY, IN_LOOP, IN_THREAD = "Empty route", "Celery, called in the loop", "Celery, called in a thread"
CLIENTS = (1, 10, 32, 100)
LOOK = "GET, 32"
TABLE = Table(
    "Submit over HTTP",
    "POSTs a second to one uvicorn process, the client being on the same two cores. `Empty route` is a FastAPI route "
    f"with Headrace's body model that answers 202 and does nothing. Load: {program()}.",
    [
        *(Column(f"POST, {clients}", f"{clients} client{'s'[: clients > 1]}, /s") for clients in CLIENTS),
        Column(LOOK, "GET a job, 32 clients, /s"),
    ],
)


@dataclass(frozen=True)
class Route:
    name: str
    system: System
    environment: dict[str, str]
    clients: Sequence[int] = (32,)

    def command(self, port: int) -> list[str]:
        app = "bench.route:create_app" if self.environment else "api.app:create_app"
        options = ["--factory", "--port", str(port), "--no-access-log", "--log-level", "warning"]
        return self.system.python("-m", "uvicorn", app, *options)


def _route(name: str, system: System, *, body: str = "bench.headrace.body", client: str, **further: str) -> Route:
    return Route(name, system, {"BENCH_BODY": body, "BENCH_CLIENT": client, **further})


# In Headrace's own environment, with Headrace's body model: these are what it is held to.
REFERENCES = [
    Route("Headrace", HEADRACE, {}, CLIENTS),
    _route(EMPTY, HEADRACE, client=""),
    _route(IN_LOOP, HEADRACE, client=CELERY.client, BENCH_IN_LOOP="1"),
    _route(IN_THREAD, HEADRACE, client=CELERY.client),
]
PEERS = [
    _route(system.name, system, body="bench.peers.body", client=system.client)
    for system in SYSTEMS
    if system not in (HEADRACE, CELERY, CELERY_LATE)
]


async def measure(bench: Bench) -> None:
    wanted = {system.name for system in bench.systems}
    routes = REFERENCES + [route for route in PEERS if route.name in wanted]
    for _ in range(bench.rounds):
        for route in routes:
            with bench.excused(route.system, f"POST, {route.clients[0]}"):
                async with bench.lab(route.system, **route.environment) as lab:
                    _, url = await serve(lab, route)
                    await requests_a_second(url, clients=4, seconds=1)  # connections, scripts
                    for clients in route.clients:
                        seconds = 1 if bench.quick or route in PEERS else 2
                        rate = await requests_a_second(url, clients=clients, seconds=seconds)
                        bench.record(route.name, f"POST, {clients}", rate)
                        lab.redis.flushall()
                    if route.name == HEADRACE.name:
                        rate = await requests_a_second(await _job(url), clients=32, seconds=2, body="")
                        bench.record(route.name, LOOK, rate)


async def _job(url: str) -> str:
    """Where a new job is looked at."""
    async with httpx.AsyncClient() as client:
        made = await client.post(url, content=BODY, headers={"Content-Type": "application/json"})
    return str(made.raise_for_status().url.join(made.headers["Location"]))


async def serve(lab: Lab, route: Route) -> tuple[Family, str]:
    """Starts the route's API process and waits until it answers; where to POST."""
    port = free_port()
    family = lab.start(route.command(port))
    await lab.until(lambda: _answers(port), of=family)
    return family, f"http://127.0.0.1:{port}/stories"


async def seconds_to_ready(lab: Lab, route: Route) -> float:
    started = time.perf_counter()
    await serve(lab, route)
    return time.perf_counter() - started


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5):  # our own
            return True
    except HTTPError:
        return True  # a route that does not know the path
    except OSError:
        return False
