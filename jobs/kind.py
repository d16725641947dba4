"""What every part of the platform knows of a kind of job: its name, its models, its limits, and how it is made."""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from inspect import iscoroutinefunction
from pkgutil import resolve_name
from typing import Any, Generic, Literal, TypeAlias, cast

from pydantic import BaseModel
from typing_extensions import TypeVar

from jobs.limits import MOST, Concurrency

Input = TypeVar("Input", bound=BaseModel, default=Any)
Result = TypeVar("Result", bound=BaseModel, default=Any)
Make = Callable[[Any, Input], Coroutine[Any, Any, Result]]
"""How a job of a kind is made: `async def make(job: JobContext, input: Input) -> Result`."""

Errors = Mapping[type[Exception] | str, type[Exception]] | Callable[[Exception], Exception | None]
"""Classes, or their full names (`"acme.errors.Overloaded"`), with what each means: Busy, Unavailable or Rejected.

Or a function that makes such an error of an exception, None for one that it does not know.
"""

Modality: TypeAlias = Literal["text", "image"]
MODALITIES: tuple[Modality, ...] = ("text", "image")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PATH = re.compile(r"/[a-z][a-z0-9-]{0,59}")
_QUEUE = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_REFERENCE = re.compile(r"[\w.]+:[\w.]+")


class InvalidKind(Exception):
    """A kind cannot be used as it is. The message names the kind, or where it should be, and the remedy."""


@dataclass(frozen=True)
class Kind(Generic[Input, Result]):
    """One kind of job. Raises InvalidKind for what cannot be: a job of it could be accepted and never be made."""

    name: str
    """Of lower-case letters, digits and `_`; its task's name in Celery and Flower."""
    path: str
    """Where the API takes it, such as `/stories`."""
    input: type[Input]
    result: type[Result]
    summary: str
    """One line for the API's documentation."""
    make: Make[Input, Result] | str
    """How it is made, or where that is: `podcast.pipeline:make` is imported by the first job only, never by the API."""
    time_limit: timedelta = timedelta(hours=1)
    """Longest run of one attempt."""
    queue: str = "default"
    """The Celery queue that its jobs wait in."""
    uploads: tuple[str, ...] = ()
    """Fields of the input that name an upload."""
    errors: Errors | None = None
    """What exceptions of the SDKs that it calls mean, where `headrace.sdk_errors` does not know."""
    concurrency_key: Callable[[Input], str | None] | None = None
    """Of an input: jobs with the same key run no more than `concurrency_limit` at once. None, or for None: no limit."""
    concurrency_limit: int = 1
    asks: Callable[[Input], Sequence[Modality]] | None = None
    """Of an input: the sorts of model that its job asks, the first one first. None: it may ask each."""
    version: int = 1
    """Raise it when saved steps of jobs in flight no longer fit the pipeline: see docs/kinds.md."""

    def __post_init__(self) -> None:
        for fault in self._faults():
            raise InvalidKind(f"kind {self.name!r}: {fault}")

    def pipeline(self) -> Make[Input, Result]:
        """The function that makes it, imported now if `make` refers to it. Raises InvalidKind when it is not there."""
        if not isinstance(self.make, str):
            return self.make
        try:
            found = resolve_name(self.make)
        except (ImportError, AttributeError) as error:
            raise InvalidKind(f"kind {self.name!r}: make {self.make!r} cannot be imported: {error}") from error
        if not iscoroutinefunction(found):
            raise InvalidKind(f"kind {self.name!r}: make {self.make!r} must be an async function")
        return found

    def concurrency_of(self, content: Mapping[str, Any]) -> str | None:
        """The key of a job with this input, with the kind's name before it. Raises ValueError for one that is none."""
        if self.concurrency_key is None:
            return None
        key = self.concurrency_key(self.input.model_validate(content))
        return None if key is None else Concurrency(f"{self.name}:{key}").key

    def asks_for(self, content: Mapping[str, Any]) -> Sequence[Modality]:
        """The sorts of model that a job with this input may ask."""
        return MODALITIES if self.asks is None else self.asks(self.input.model_validate(content))

    @property
    def package(self) -> str:
        """The top-level package that its pipeline is in."""
        module = self.make if isinstance(self.make, str) else self.make.__module__
        return module.partition(":")[0].partition(".")[0]

    def missing_pipeline(self) -> str | None:
        """Why there is no pipeline where `make` refers to, found without importing it; None when there is one."""
        if not isinstance(self.make, str):
            return None
        module = self.make.partition(":")[0]
        try:
            spec = find_spec(module)
        except ImportError as error:
            return f"kind {self.name!r}: make {self.make!r}: {error}"
        return None if spec else f"kind {self.name!r}: make {self.make!r}: there is no module {module}"

    def _faults(self) -> list[str]:
        return [
            fault
            for right, fault in (
                (is_kind_name(self.name), "name must be lower-case letters, digits and _, a letter first"),
                (
                    _PATH.fullmatch(self.path),
                    f"path {self.path!r} must be one lower-case word after a slash",
                ),
                (_QUEUE.fullmatch(self.queue), f"queue {self.queue!r} must be lower-case letters, digits, _ and -"),
                (_is_model(self.input), f"input must be a pydantic model, not {self.input!r}"),
                (_is_model(self.result), f"result must be a pydantic model, not {self.result!r}"),
                (
                    _is_make(self.make),
                    f"make must be an async function or 'module:function', not {self.make!r}",
                ),
                (self.time_limit > timedelta(0), "time_limit must be longer than nothing"),
                (self.version >= 1, "version counts from 1"),
                (1 <= self.concurrency_limit <= MOST, f"concurrency_limit must be 1 to {MOST}"),
                (_are_errors(self.errors), "errors must map exceptions, or their full names, to errors of Headrace"),
                (
                    _is_model(self.input) and set(self.uploads) <= set(self.input.model_fields),
                    f"uploads {self.uploads!r} must name fields of {self.input.__name__}",
                ),
            )
            if not right
        ]


def is_kind_name(text: str) -> bool:
    """Whether a kind could have this name."""
    return bool(_NAME.fullmatch(text))


def _is_model(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _are_errors(value: object) -> bool:
    if not isinstance(value, Mapping):
        return value is None or callable(value)
    known = cast("Mapping[object, object]", value)
    return all(isinstance(key, str) or _is_exception(key) for key in known) and all(map(_is_exception, known.values()))


def _is_exception(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


def _is_make(value: object) -> bool:
    return bool(_REFERENCE.fullmatch(value)) if isinstance(value, str) else iscoroutinefunction(value)
