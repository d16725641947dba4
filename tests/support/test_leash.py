"""Processes that tests have started do not outlive them."""

import subprocess
import sys
from pathlib import Path

from tests.support.waiting import wait_until

SCRIPT = """
import subprocess, sys, time
from tests.support.leash import hold

hold()
started = subprocess.Popen(["sleep", "1000"], start_new_session=True)
print(started.pid, flush=True)
time.sleep(1000)
"""


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_what_was_started_ends_with_who_started_it_even_when_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True) as tests:  # noqa: ASYNC220, S603  # our own
        assert tests.stdout
        started = int(tests.stdout.readline())
        assert _runs(started)
        tests.kill()
    await wait_until(lambda: not _runs(started), within=30, what="the process that it started is gone")
