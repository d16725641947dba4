"""The process of `tests/chaos/misbehaving.py`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.processes import Process, Worker

ROOT = Path(__file__).parents[2]


class MisbehavingWorker(Worker):
    def __init__(self, *, environment: Mapping[str, str], log: Path) -> None:
        command = [sys.executable, "-m", "celery", "-A", "tests.chaos.misbehaving", "worker"]
        options = ["--without-gossip", "--without-mingle"]
        Process.__init__(self, command + options, environment=environment, log=log, folder=ROOT)
