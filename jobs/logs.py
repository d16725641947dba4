"""Logs: one line an event, as JSON with a `severity` (Cloud Logging reads it) or in colour on a terminal."""

import logging
import os
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

import structlog

from jobs.settings import Settings

STANDARD_ERROR = 2
"""The file descriptor."""


def configure_logging(settings: Settings) -> None:
    """Sends the root logger's records, and structlog's, to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if settings.log_format == "json":
        rendering = [structlog.processors.format_exc_info, _severity, structlog.processors.JSONRenderer()]
        # Past the standard library, which takes two and a half times as long for a line: every job writes two.
        structlog.configure(
            processors=[*shared, *rendering],
            logger_factory=_Lines,
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=True,
        )
        # Plain tracebacks: richer ones print local variables, and so prompts and keys.
        rendering = [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # A worker says itself when a job starts and how it is left; Celery's "received" and "succeeded" only repeat it.
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # uvicorn sets up handlers of its own, before it loads the app. Its lines are to look like all others.
    for name in ("uvicorn", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    # It would log each call with its whole URL, credentials in it included.
    logging.getLogger("httpx2").setLevel(logging.WARNING)


class _Lines:
    """A logger that writes each line in one go: no lock, which a fork could leave locked in the child."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        rest = f"{line}\n".encode()
        # As in the standard library: a log that nobody takes is no fault of what is logged.
        with suppress(OSError):
            while rest:
                rest = rest[os.write(STANDARD_ERROR, rest) :]

    debug = info = warning = error = critical = exception = msg


def _severity(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401  # structlog's signature
    event["severity"] = event.pop("level", "info").upper()
    event["message"] = event.pop("event", "")
    return event
