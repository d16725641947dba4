"""A Lua script as a typed method: its parameters are the script's local variables, none is known by its position."""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache, wraps
from importlib.resources import files
from typing import Annotated, Any, Protocol, TypeVar, cast

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

Json = Annotated[Mapping[str, Any] | Sequence[Any], "json"]
"""An argument that Lua gets as a table."""


class Sender(Protocol):
    """Who has the script, registered with a Redis client, and the patience to wait for its answer."""

    def registered(self, name: str) -> AsyncScript: ...

    @property
    def confirmed(self) -> Redis | None: ...

    async def answer(self, reply: Awaitable[Any]) -> list[Any]: ...


F = TypeVar("F", bound=Callable[..., Awaitable[list[Any]]])


def script(signature: F) -> F:
    """The method sends the script of its own name. All of its parameters are keyword-only, in the script's order."""
    return _sending(signature, confirmed=False)


def confirmed_script(signature: F) -> F:
    """The same for a change that must outlive a failover: replicas confirm it, if HEADRACE_REDIS_WAIT is set."""
    return _sending(signature, confirmed=True)


def _sending(signature: F, *, confirmed: bool) -> F:
    name = signature.__name__
    parameters = _parameters(signature)
    structured = {parameter.name for parameter in parameters if parameter.annotation is Json}
    names = [parameter.name for parameter in parameters]

    @wraps(signature)
    async def send(self: Sender, **given: Any) -> list[Any]:  # noqa: ANN401  # the signature has the types
        args = [json.dumps(given[name]) if name in structured else _flat(given[name]) for name in names]
        client = self.confirmed if confirmed else None
        return await self.answer(self.registered(name)(args=args, client=client))

    return cast("F", send)


def parameters_of(method: Callable[..., object]) -> list[str]:
    """The names of a script's arguments, in their order."""
    return [parameter.name for parameter in _parameters(inspect.unwrap(method))]


@cache
def source_of(method: Callable[..., object]) -> str:
    """The script's file, after a line that gives its arguments their names."""
    parameters = _parameters(inspect.unwrap(method))
    names = ", ".join(parameter.name for parameter in parameters)
    values = ", ".join(_from_redis(f"ARGV[{number}]", one) for number, one in enumerate(parameters, 1))
    return f"local {names} = {values}\n" + read(method.__name__)


@cache
def read(name: str) -> str:
    """The text of a file of this folder."""
    return files("jobs.scripts").joinpath(f"{name}.lua").read_text()


def _parameters(signature: Callable[..., object]) -> list[inspect.Parameter]:
    return list(inspect.signature(signature).parameters.values())[1:]


def _from_redis(argument: str, parameter: inspect.Parameter) -> str:
    """Redis gives scripts nothing but strings; here it gets its type again, None as nil."""
    if parameter.annotation is Json:
        return f"cjson.decode({argument})"
    return f"tonumber({argument})" if parameter.annotation in {int, int | None} else argument


def _flat(value: str | int | None) -> str | int:
    return "" if value is None else value
