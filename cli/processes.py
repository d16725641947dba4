"""The processes of one machine: started in order, ended in reverse, each named to its owner when something is wrong."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cli.errors import CommandFailed

STOP_WITHIN = 12.0
"""Seconds until a process that was told to stop is killed; a worker takes up to 9 to hand its job back."""


class PortTaken(CommandFailed):
    """Another program has the port."""

    def __init__(self, port: int, what: str, option: str) -> None:
        super().__init__(
            f"Port {port}, meant for {what}, is in use by another program. Stop that, or choose another port: {option}."
        )


def require_free(port: int, *, what: str, option: str) -> None:
    """Raises PortTaken if something listens on that loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortTaken(port, what, option) from None


class Processes:
    """Child processes that end when this object is closed, last started first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        # PORT, where it is set, is the API's; a worker would serve its health there.
        self._environment = {name: value for name, value in os.environ.items() if name != "PORT"} | dict(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: list[str], *, log: Path | None = None, **environment: str) -> None:
        """Starts Python with `command`; its output goes to the terminal, or to `log`."""
        output = None if log is None else log.open("ab")
        try:
            # A session of its own: Ctrl-C reaches this process only, which then stops the others in order.
            self._running[name] = subprocess.Popen(  # noqa: S603  # our own commands, no shell
                [sys.executable, *command],
                env=self._environment | environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        finally:
            if output is not None:
                output.close()

    def ended(self) -> str | None:
        """The name of a process that is no longer there; None while all are."""
        return next((name for name, process in self._running.items() if process.poll() is not None), None)

    def stop(self, *names: str) -> None:
        """Ends those of them that run, last named first; in the end they are killed."""
        ending = [process for name in reversed(names) if (process := self._running.pop(name, None))]
        for process in ending:
            process.terminate()
        deadline = time.monotonic() + STOP_WITHIN
        for process in ending:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                # The whole group: a worker that hangs must not leave its child behind.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def close(self) -> None:
        self.stop(*self._running)
