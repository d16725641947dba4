"""Our images as pytest-celery's containers, and a platform of them as a client sees it."""

import shlex
from pathlib import Path
from typing import Any

import yaml
from pytest_celery import CeleryTestWorker, CeleryWorkerContainer, RedisContainer, RedisTestBroker

from tests.support.client import Client
from tests.support.processes import Ledger

ROOT = Path(__file__).parents[2]
TAG = "test"
API_IMAGE, WORKER_IMAGE = f"headrace-api:{TAG}", f"headrace-worker:{TAG}"
HARDENED: dict[str, Any] = {
    "read_only": True,
    "user": "1000",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}
"""What our images must do with."""
MEMORY = "320m"
"""Of a worker's container."""


class Redis(RedisContainer):
    """As compose.yaml runs it."""

    @classmethod
    def image(cls) -> str:
        return "redis:8-trixie"

    @classmethod
    def command(cls, *_args: str, **_options: Any) -> list[str]:  # noqa: ANN401  # pytest-celery's
        compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
        return shlex.split(compose["services"]["redis"]["command"])


class Worker(CeleryWorkerContainer):
    @classmethod
    def command(cls, *_args: str, **_options: Any) -> list[str]:  # noqa: ANN401  # pytest-celery's
        return ["celery", "-A", "tasks", "worker", "--without-gossip", "--without-mingle"]

    @classmethod
    def initial_env(cls, celery_worker_cluster_config: dict[str, Any], initial: dict[str, str] | None = None) -> Any:  # noqa: ANN401
        return {
            "REDIS_URL": celery_worker_cluster_config["celery_broker_cluster_config"]["urls"][0],
            "HEADRACE_PROVIDER": "offline",
            "HEADRACE_OFFLINE_DELAY": "0.5",
            "HEADRACE_CONCURRENCY": "1",
            "HEADRACE_OFFLINE_LEDGER": "/data/ledger",
            **(initial or {}),
        }


class Platform(Client):
    """A Redis, an API and two workers, each in a container of its own."""

    def __init__(self, redis: RedisTestBroker, workers: list[CeleryTestWorker], data: Path) -> None:
        self.redis = redis
        self.workers = workers
        self.ledger = Ledger(data / "ledger")

    def holder(self, job: dict[str, Any]) -> CeleryTestWorker:
        """The worker that has the job: its host is the container's id."""
        return next(worker for worker in self.workers if job["worker"].startswith(worker.container.id[:12]))
