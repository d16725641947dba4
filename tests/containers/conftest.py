"""Our own images in containers of pytest-celery: Redis, two workers and the API, anew for each test.

Run by `make test-containers`, or when a path in here is named; without Docker they then fail.
"""

import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import pytest_docker_tools
from celery import Celery
from pytest_celery import CeleryBrokerCluster, CeleryTestWorker, CeleryWorkerCluster, RedisTestBroker
from pytest_docker_tools import fxtr, wrappers

from tests.containers.nodes import API_IMAGE, HARDENED, MEMORY, ROOT, TAG, WORKER_IMAGE, Platform, Redis, Worker
from tests.support.waiting import wait_until

HERE = Path(__file__).parent
container = cast("Callable[..., Any]", pytest_docker_tools.container)
volume = cast("Callable[..., Any]", pytest_docker_tools.volume)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves these tests out unless a path in here is asked for."""
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.timeout(600))  # the first one builds the images
    if ours and not any("containers" in str(argument) for argument in config.args):
        items[:] = [item for item in items if item not in ours]
        config.hook.pytest_deselected(items=ours)


@pytest.fixture(scope="session", autouse=True)
def images() -> None:
    """The images of this checkout, built now: seconds when nothing has changed."""
    if fault := _engine_fault():
        pytest.fail(f"needs a Docker engine (tests/containers/engine gets one): {fault}")
    subprocess.run(["make", "--silent", "images", f"TAG={TAG}"], cwd=ROOT, check=True, timeout=900)  # noqa: S603, S607  # our own


def _engine_fault() -> str | None:
    try:
        asked = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S607
    except FileNotFoundError:
        return "there is no docker command"
    return asked.stderr.strip() or "docker info failed" if asked.returncode else None


# -- pytest-celery's own fixtures, with our containers ----------------------------------------------------------------


@pytest.fixture
def default_redis_broker_cls() -> type[Redis]:
    return Redis


@pytest.fixture
def default_worker_container_cls() -> type[Worker]:
    return Worker


@pytest.fixture
def celery_broker_cluster(celery_redis_broker: RedisTestBroker) -> CeleryBrokerCluster:
    return CeleryBrokerCluster(celery_redis_broker)


@pytest.fixture
def celery_backend_cluster() -> None:
    """Jobs have no result backend."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder that API and workers share; theirs by everyone's right, whoever runs the tests."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture
def our_volumes(data: Path) -> dict[str, Any]:
    return {str(data): {"bind": "/data", "mode": "rw"}, str(HERE): {"bind": "/tests", "mode": "ro"}}


_worker: dict[str, Any] = {
    "image": WORKER_IMAGE,
    "command": fxtr("default_worker_command"),
    "environment": fxtr("default_worker_env"),
    "volumes": fxtr("our_volumes"),
    "network": "{default_pytest_celery_network.name}",
    "wrapper_class": Worker,
    "mem_limit": MEMORY,
    "memswap_limit": MEMORY,
    "timeout": 30,
    **HARDENED,
}
redis_volume = volume()
default_redis_broker = container(
    image="{default_redis_broker_image}",
    command=fxtr("default_redis_broker_command"),
    volumes={"{redis_volume.name}": {"bind": "/data", "mode": "rw"}},
    network="{default_pytest_celery_network.name}",
    ports=fxtr("default_redis_broker_ports"),
    wrapper_class=Redis,
    timeout=30,
    **HARDENED | {"user": "redis"},
)
default_worker_container = container(**_worker)
other_worker_container = container(**_worker)
api_container = container(
    image=API_IMAGE,
    environment=fxtr("default_worker_env"),
    volumes=fxtr("our_volumes"),
    network="{default_pytest_celery_network.name}",
    ports={"8080/tcp": None},
    timeout=30,
    **HARDENED,
)


@pytest.fixture
def celery_worker_cluster(
    celery_setup_worker: CeleryTestWorker, other_worker_container: Worker, celery_setup_app: Celery
) -> CeleryWorkerCluster:
    return CeleryWorkerCluster(celery_setup_worker, CeleryTestWorker(other_worker_container, celery_setup_app))


@pytest.fixture
async def platform(celery_setup: Any, api_container: wrappers.Container, data: Path) -> AsyncIterator[Platform]:  # noqa: ANN401
    platform = Platform(celery_setup.broker, list(celery_setup.worker_cluster), data)
    port = cast("int", api_container.ports["8080/tcp"][0])
    platform.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10)

    async def answers() -> bool:
        try:
            return (await platform.client.get("/health/ready")).is_success
        except httpx.TransportError:
            return False

    await wait_until(answers, within=15, what="the API answers")
    yield platform
    await platform.client.aclose()
