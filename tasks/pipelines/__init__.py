"""The pipelines: the module of the same name as a kind has `async def run(run, input) -> result`."""

import importlib
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from pydantic import BaseModel

from tasks.run import Run

Pipeline = Callable[[Run, Any], Awaitable[BaseModel]]


@cache
def get(kind: str) -> Pipeline:
    """The pipeline of a kind. Raises ModuleNotFoundError when there is none."""
    return importlib.import_module(f"{__name__}.{kind}").run
