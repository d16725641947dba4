"""What tests start ends with them, however they end: by Ctrl-C, by a time limit, or killed.

The processes of a platform are in sessions of their own, and no signal to the tests reaches them.
"""

import os
import sys
from pathlib import Path
from signal import SIGKILL
from uuid import uuid4

MARK = "STARTED_BY_TESTS"
"""The variable by which processes are known; whoever gives one an environment of its own hands it on."""


def hold() -> None:
    """From now on each process that this one starts, and each that those start, is killed once this one has ended."""
    mark = os.environ[MARK] = uuid4().hex
    # Nobody else has the other end, so that it closes when this process is gone.
    until_we_end, _ = os.pipe()
    # -P: some modules beside this one are named as the library's.
    command = [sys.executable, "-P", __file__, mark]
    quiet = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    os.posix_spawn(command[0], command, {}, file_actions=[(os.POSIX_SPAWN_DUP2, until_we_end, 0), quiet], setsid=True)
    os.close(until_we_end)


def handed_on() -> dict[str, str]:
    """For the environment of a process that does not get ours."""
    return {MARK: os.environ[MARK]} if MARK in os.environ else {}


def _kill_marked(mark: str) -> None:
    while pids := [pid for pid in (int(entry.name) for entry in Path("/proc").glob("[0-9]*")) if _has(pid, mark)]:
        for pid in pids:
            try:
                os.kill(pid, SIGKILL)
            except ProcessLookupError:
                continue


def _has(pid: int, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


if __name__ == "__main__":
    sys.stdin.read()
    _kill_marked(sys.argv[1])
