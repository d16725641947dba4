"""What a command is given: settings from the environment, durations from its options."""

from datetime import timedelta

import typer
from pydantic import TypeAdapter, ValidationError
from redis.asyncio.connection import parse_url

from cli.errors import BadSettings
from jobs.settings import Duration, Settings

_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)


def read_settings() -> Settings:
    """Raises BadSettings."""
    try:
        settings = Settings()
        # What is wrong with it is not repeated: it may hold a password.
        parse_url(settings.redis_url.get_secret_value())
    except ValidationError as error:
        raise BadSettings("; ".join(_fault(*fault["loc"], message=fault["msg"]) for fault in error.errors())) from None
    except ValueError:
        raise BadSettings("REDIS_URL: is no address of a Redis; write redis://[:password@]host:port/0") from None
    return settings


def read_duration(text: str) -> timedelta:
    """For `typer.Option(parser=...)`: `300`, `90s`, `5m`."""
    try:
        return _DURATION.validate_python(text)
    except ValidationError:
        raise typer.BadParameter(f"{text!r} is no duration; write 300, 90s, 5m or 1h") from None


def _fault(*place: str | int, message: str) -> str:
    message = message.removeprefix("Value error, ")
    if not place:
        return message
    name = str(place[0])
    return f"{name if name.isupper() else 'HEADRACE_' + name.upper()}: {message}"
