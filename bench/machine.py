"""What is measured with: free ports of the loopback interface, and real processes. The tests use the same."""

import os
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, Signals
from typing import IO


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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
