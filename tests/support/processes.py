"""The platform's real processes, each in a session of its own so that a test can signal exactly what it means to."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, Signals
from typing import IO

import httpx

from tests.support.ports import free_port


def complete_lines(path: Path) -> list[str]:
    """The lines of a file that is being written; the last one may not be whole yet."""
    text = path.read_text()
    return text[: text.rfind("\n") + 1].splitlines()


class Process:
    """A process of ours, with its output in a file."""

    def __init__(
        self,
        command: list[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        folder: Path | None = None,
        output: IO[bytes] | None = None,
    ) -> None:
        """Standard output goes to the log as well, unless `output` is given."""
        self.log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603  # our own commands, no shell
                command,
                env=dict(environment),
                cwd=folder,
                stdout=output or errors,
                stderr=errors,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def signal(self, number: Signals) -> None:
        self._process.send_signal(number)

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def children(self) -> list[int]:
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in found]

    def signal_all(self, number: Signals) -> None:
        """Signals the process and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def stop(self, *, within: float) -> None:
        """Asks it to end, and ends it when it does not."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(within)
        self.end()

    def end(self) -> None:
        """Ends it and all that it has started, whatever state they are in."""
        self.signal_all(SIGKILL)
        self._process.wait()


class Api(Process):
    def __init__(self, *, environment: Mapping[str, str], log: Path) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        command = [sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory", "--port", str(port)]
        super().__init__(command, environment=environment, log=log)

    def answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health/live").is_success
        return False


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
