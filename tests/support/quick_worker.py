"""The process of `tests/support/quick_stories.py`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.processes import Process, Worker

FAILS, TRIES_AGAIN = "fails", "tries again"
"""Titles that say how a story ends."""
ROOT = Path(__file__).parents[2]


class QuickWorker(Worker):
    def __init__(self, *, environment: Mapping[str, str], log: Path) -> None:
        command = [sys.executable, "-m", "celery", "-A", "tests.support.quick_stories", "worker"]
        options = ["--without-gossip", "--without-mingle"]
        Process.__init__(self, command + options, environment=environment, log=log, folder=ROOT)
