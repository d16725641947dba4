"""Celery's pool of processes, but that a child says itself when it is worn out: one message may bring it many jobs."""

import ctypes
import signal
import sys
from collections.abc import Callable
from typing import Any

from billiard.pool import EX_RECYCLE
from celery import platforms
from celery.concurrency.asynpool import AsynPool
from celery.concurrency.asynpool import Worker as CeleryWorker
from celery.concurrency.prefork import TaskPool

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def pool_of(worn_out: Callable[[], bool]) -> type[TaskPool]:
    """A pool whose children ask `worn_out` before they wait for a message, and if so give way to a new process."""

    class Worker(CeleryWorker):
        def _make_child_methods(self, *args: Any) -> None:  # noqa: ANN401  # billiard's own signature
            super()._make_child_methods(*args)  # pyright: ignore[reportAttributeAccessIssue]  # billiard has no types
            wait = self.wait_for_job

            def wait_unless_worn_out() -> Any:  # noqa: ANN401  # a message of billiard's
                if worn_out():
                    sys.exit(EX_RECYCLE)
                return wait()

            self.wait_for_job = wait_unless_worn_out

    class Pool(AsynPool):
        pass

    # AsynPool has a method of that name as well.
    Pool.Worker = Worker

    class Processes(TaskPool):
        pass

    Processes.Pool = Pool
    platforms.set_pdeathsig = end_with_parent  # pyright: ignore[reportAttributeAccessIssue]  # celery has no types
    return Processes


def end_with_parent(signal_name: str) -> None:
    """In a child: it gets this signal when its parent has ended.

    Billiard's own way has cffi parse the declaration in C anew in each child, which takes 150 ms and 4 MiB.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.Signals[signal_name])
