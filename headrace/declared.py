"""The type of a step's result, as its function is annotated."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, get_type_hints

from headrace.errors import UndeclaredResult

T = TypeVar("T")


def declared_result(step: str, call: Callable[..., Awaitable[T]]) -> type[T]:
    """What `call` says that it returns. Raises UndeclaredResult when it does not say, or names what is not there."""
    try:
        hints: dict[str, Any] = get_type_hints(call, include_extras=True)
    except (NameError, TypeError) as error:
        raise UndeclaredResult(step, str(error)) from error
    if "return" not in hints:
        raise UndeclaredResult(step)
    return hints["return"]
