"""The pipelines: `kinds.NAME.pipeline` has `async def run(run, input) -> result`.

One is imported by the first job of its kind, with what it needs: a worker that only tells stories holds no report's
libraries in memory, and is ready sooner.
"""

import importlib
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

from pydantic import BaseModel

from headrace.context import Run

Pipeline = Callable[[Run, Any], Awaitable[BaseModel]]


def require(kind: str) -> None:
    """Raises ModuleNotFoundError when the kind has no pipeline, without importing one."""
    if find_spec(f"kinds.{kind}.pipeline") is None:
        raise ModuleNotFoundError(f"no pipeline for kind {kind}: kinds/{kind}/pipeline.py is missing")


@cache
def get(kind: str) -> Pipeline:
    """The pipeline of a kind. Raises ModuleNotFoundError when there is none."""
    return importlib.import_module(f"kinds.{kind}.pipeline").run
