"""A short hash of any value that tells one item of a `map` from another, the same in every process."""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_jsonable_python


def digest(value: object) -> str | None:
    """16 hexadecimal digits; None for a value that has no JSON form, which then cannot be told from another."""
    try:
        text = json.dumps(_plain(value), sort_keys=True)
    except (PydanticSerializationError, TypeError, ValueError):
        return None
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _plain(value: object) -> Any:  # noqa: ANN401  # any JSON value
    match value:
        case BaseModel():
            return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
        case Mapping():
            return {str(key): _plain(each) for key, each in cast("Mapping[Any, object]", value).items()}
        case set() | frozenset():
            # A set is iterated in another order in each process.
            return sorted((_plain(each) for each in cast("Collection[object]", value)), key=json.dumps)
        case list() | tuple():
            return [_plain(each) for each in cast("Sequence[object]", value)]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _:
            return to_jsonable_python(value)
