"""The platform's real processes, each in a session of its own so that a test can signal exactly what it means to."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.machine import Process, complete_lines, free_port
from tests.support.liveness import answers

__all__ = ["Api", "Ledger", "Process", "Worker", "complete_lines"]


class Api(Process):
    def __init__(self, *, environment: Mapping[str, str], log: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        command = [sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory", "--port", str(port)]
        super().__init__(command, environment=environment, log=log)

    def answers(self) -> bool:
        return answers(f"{self.url}/health/live")


class Worker(Process):
    def __init__(self, *, environment: Mapping[str, str], log: Path) -> None:
        command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--without-gossip", "--without-mingle"]
        super().__init__(command, environment=environment, log=log)

    def ready(self) -> bool:
        return " ready." in self.output()

    def resident_kib(self, pid: int) -> int:
        """Memory of one of its processes, KiB."""
        status = Path(f"/proc/{pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

    @property
    def child(self) -> int:
        """The process that runs jobs."""
        (child,) = self.children()
        return child


class Ledger:
    """The calls that the offline provider got, from every process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def steps(self, job_id: str) -> list[str]:
        """The steps of a job that the provider was asked for, in order, repeats included."""
        if not self.path.exists():
            return []
        calls = [json.loads(line) for line in complete_lines(self.path)]
        return [call["step"] for call in calls if call["job"] == job_id]
