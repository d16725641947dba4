"""Settings from the environment, or one line that says which of them cannot be."""

from pydantic import ValidationError

from jobs.redis_address import RedisAddress
from jobs.settings import Settings


class UnreadableSettings(Exception):
    """An environment variable has a value that cannot be; the message names it and what it should be."""


def read_settings() -> Settings:
    """Raises UnreadableSettings."""
    try:
        settings = Settings()
        RedisAddress.of(settings)
    except ValidationError as error:
        faults = (_fault(*fault["loc"], message=fault["msg"]) for fault in error.errors())
        raise UnreadableSettings("; ".join(faults)) from None
    except ValueError as error:
        raise UnreadableSettings(str(error)) from None
    return settings


def _fault(*place: str | int, message: str) -> str:
    message = message.removeprefix("Value error, ")
    if not place:
        return message
    name = str(place[0])
    return f"{name if name.isupper() else 'HEADRACE_' + name.upper()}: {message}"
