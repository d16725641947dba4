"""The `headrace` command, as a user runs it in a folder."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.waiting import wait_until


@contextmanager
def headrace_command(folder: Path, *arguments: str, **settings: str) -> Generator[Process]:
    """The command in an empty folder, with nothing but `settings` set in the environment."""
    log = folder / "output"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("HEADRACE_", "REDIS_", "OPENAI_"))
    }
    command = [sys.executable, "-P", "-c", "from cli.main import run; run()", *arguments]
    process = Process(
        command, environment=environment | {"FLOWER_UNAUTHENTICATED_API": "true"} | settings, log=log, folder=folder
    )
    try:
        yield process
    finally:
        # Its own children are in sessions of their own: it has to end them itself.
        process.stop(within=20)


def free_ports() -> dict[str, int]:
    return {option: free_port() for option in ("--api-port", "--flower-port", "--redis-port")}


async def exit_code(process: Process, *, within: float) -> int:
    await wait_until(lambda: process.exit_code is not None, within=within, what=f"the end of: {process.output()}")
    assert process.exit_code is not None
    return process.exit_code


def left_behind(folder: Path) -> list[str]:
    """Processes that still run in the folder."""
    return [cwd.parent.name for cwd in Path("/proc").glob("[0-9]*/cwd") if _link(cwd) == str(folder)]


def _link(path: Path) -> str | None:
    try:
        return str(path.readlink())
    except OSError:
        return None
