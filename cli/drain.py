"""`headrace drain`: the worker that empties the queue and exits."""

import os
import signal
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from cli.reading import read_settings

if TYPE_CHECKING:
    from tasks.engine.drain import Summary


def drain_queue(*, max_runtime: timedelta, empty_queue_timeout: timedelta, redis_timeout: timedelta) -> int:
    """Returns the exit code. The summary is all that goes to standard output: one line of JSON, the last thing written.

    Raises BadSettings, and ModuleNotFoundError where the worker's libraries are not installed.
    """
    # From the first moment: a signal that comes while the worker is loaded must not end it with an error, and as the
    # first process of a container it would not even be delivered without a handler.
    stop_requested = threading.Event()

    def note(*_: object) -> None:
        stop_requested.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    settings = read_settings()
    from tasks.engine.drain import Drain, Limits  # noqa: PLC0415  # takes a second, and is not in every image

    # Celery writes to standard output as well; what it writes is log.
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def report(summary: "Summary") -> None:
        os.write(output, summary.to_json().encode() + b"\n")

    limits = Limits(max_runtime=max_runtime, empty_queue_timeout=empty_queue_timeout, redis_timeout=redis_timeout)
    return Drain(settings, limits, stop_requested=stop_requested, report=report).run()
