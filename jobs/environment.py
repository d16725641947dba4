"""Settings from the environment, or one line that says which of them cannot be."""

from pydantic import ValidationError
from redis.asyncio.connection import parse_url

from jobs.settings import Settings


class UnreadableSettings(Exception):
    """An environment variable has a value that cannot be; the message names it and what it should be."""


def read_settings() -> Settings:
    """Raises UnreadableSettings."""
    try:
        settings = Settings()
        # What is wrong with it is not repeated: it may hold a password.
        parse_url(settings.redis_url.get_secret_value())
    except ValidationError as error:
        faults = (_fault(*fault["loc"], message=fault["msg"]) for fault in error.errors())
        raise UnreadableSettings("; ".join(faults)) from None
    except ValueError:
        raise UnreadableSettings("REDIS_URL: is no address of a Redis; write redis://[:password@]host:port/0") from None
    return settings


def _fault(*place: str | int, message: str) -> str:
    message = message.removeprefix("Value error, ")
    if not place:
        return message
    name = str(place[0])
    return f"{name if name.isupper() else 'HEADRACE_' + name.upper()}: {message}"
