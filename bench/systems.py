"""The systems that are measured: how each one's worker is started, and what to know when reading its figures."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
PEERS = Path(__file__).parent / "peers"
VENVS = ROOT / ".headrace" / "bench"
"""The peers' environments, kept from run to run."""
REDIS_7 = "/usr/bin/redis-server"
"""Where the system's package has it, for those that need Redis' functions (7.0)."""


@dataclass(frozen=True)
class System:
    name: str
    client: str
    """The module whose `client()` submits through the system's library."""
    command: tuple[str, ...]
    """Starts one worker; the first word is a program of the system's environment."""
    library: str
    """Whose version is told."""
    settings: str
    """What its worker does at a time, for the reader."""
    requirements: str | None = None
    """The name of its file in `bench/peers`; None: Headrace's own environment."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    redis: str | None = None
    """Its redis-server, if it needs a newer one than that of the `embedded` extra, 6.2."""

    @property
    def programs(self) -> Path:
        """Where its python is, and what it has installed."""
        return Path(sys.executable).parent if self.requirements is None else VENVS / self.requirements / "bin"

    def python(self, *arguments: str) -> list[str]:
        return [str(self.programs / "python"), *arguments]

    @property
    def worker(self) -> list[str]:
        return [str(self.programs / self.command[0]), *self.command[1:]]


_HEADRACE_WORKER = ("celery", "-A", "bench.headrace.worker", "worker", "--without-gossip", "--without-mingle")
_CELERY_WORKER = ("celery", "-A", "bench.peers.celery", "worker")

HEADRACE = System(
    "Headrace",
    "bench.headrace.client",
    _HEADRACE_WORKER,
    "headrace",
    "1 job, in a child process; its own settings, logs as JSON as in its images",
    environment={"HEADRACE_LOG_FORMAT": "json"},
)
CELERY = System(
    "Celery, early ack",
    "bench.peers.celery",
    _CELERY_WORKER,
    "celery",
    "1 task, in a child process",
    "celery",
)
CELERY_LATE = System(
    "Celery, acks_late",
    "bench.peers.celery",
    _CELERY_WORKER,
    "celery",
    "1 task, in a child process; prefetch 1",
    "celery",
    {"BENCH_ACKS": "late"},
)

SYSTEMS = (
    HEADRACE,
    CELERY,
    CELERY_LATE,
    System(
        "dramatiq",
        "bench.peers.dramatiq",
        ("dramatiq", "bench.peers.dramatiq", "--processes", "1"),
        "dramatiq",
        "8 tasks, in threads of one process",
        "dramatiq",
    ),
    System(
        "rq",
        "bench.peers.rq",
        ("rq", "worker"),
        "rq",
        "1 task, in a process forked for it",
        "rq",
    ),
    System(
        "huey",
        "bench.peers.huey",
        ("huey_consumer", "bench.peers.huey.huey"),
        "huey",
        "1 task, in a thread",
        "huey",
    ),
    System(
        "arq",
        "bench.peers.arq",
        ("arq", "bench.peers.arq.WorkerSettings"),
        "arq",
        "10 tasks, asyncio; polls every 0.5 s",
        "arq",
    ),
    System("saq", "bench.peers.saq", ("saq", "bench.peers.saq.settings"), "saq", "10 tasks, asyncio", "saq"),
    System(
        "taskiq",
        "bench.peers.taskiq",
        ("taskiq", "worker", "bench.peers.taskiq:broker", "--workers", "1"),
        "taskiq-redis",
        "100 tasks, asyncio; RedisStreamBroker",
        "taskiq",
    ),
    System(
        "streaq",
        "bench.peers.streaq",
        ("streaq", "run", "bench.peers.streaq:worker"),
        "streaq",
        "16 tasks, asyncio; on redis-server 7.0",
        "streaq",
        redis=REDIS_7,
    ),
    System(
        "docket",
        "bench.peers.docket",
        ("docket", "worker", "--docket", "bench", "--tasks", "bench.peers.docket:tasks"),
        "pydocket",
        "10 tasks, asyncio",
        "docket",
    ),
)
