"""What is kept of a finished step, and that what is kept can be read again."""

from typing import Any, Generic, TypeVar

from pydantic import Field, PydanticSchemaGenerationError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, from_json

from headrace.errors import SavedStepMismatch, StepTooLarge, WrongStepResult
from jobs.model import FileRef, UsageItem
from jobs.steps import SavedStep

T = TypeVar("T")


class Saved(SavedStep):
    """What is kept of a finished step."""

    value: Any
    usage: list[UsageItem] = Field(default_factory=list[UsageItem])
    files: list[FileRef] = Field(default_factory=list[FileRef])
    item: str | None = None
    """Hash of the item that a map made it for."""
    version: int = 1
    """Of the kind that saved it."""

    def to_text(self, name: str, limit: int) -> str:
        """As JSON. Raises StepTooLarge for more than `limit` bytes."""
        text = self.model_dump_json(exclude_defaults=True)
        if (size := len(text.encode())) > limit:
            raise StepTooLarge(name, size, limit)
        return text


class StepResult(Generic[T]):
    """The declared type of one step's result."""

    def __init__(self, step: str, declared: type[T]) -> None:
        """Raises WrongStepResult for a type that has no JSON form."""
        self._step = step
        self._declared = declared
        try:
            self._adapter = TypeAdapter(declared)
        except PydanticSchemaGenerationError as error:
            raise WrongStepResult(step, _name(declared), f"no such type can be kept: {_first_line(error)}") from error

    def load(self, kept: object) -> T:
        """The value of a saved step. Raises SavedStepMismatch when it is none of this type."""
        try:
            return self._adapter.validate_python(kept)
        except ValidationError as error:
            raise SavedStepMismatch(self._step, _name(self._declared), _fault(error)) from error

    def checked(self, value: object) -> tuple[T, object]:
        """The value as a later attempt gets it, and its JSON form. Raises WrongStepResult for one that cannot be."""
        try:
            text = self._adapter.dump_json(value, warnings="none")  # pyright: ignore[reportArgumentType]  # what it is, is the question
            kept = from_json(text)
            return self._adapter.validate_python(kept), kept
        except ValidationError as error:
            raise WrongStepResult(self._step, _name(self._declared), _fault(error)) from error
        except (PydanticSerializationError, ValueError, TypeError) as error:
            raise WrongStepResult(self._step, _name(self._declared), _first_line(error)) from error


def _name(declared: object) -> str:
    return declared.__name__ if isinstance(declared, type) and not hasattr(declared, "__args__") else str(declared)


def _fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
