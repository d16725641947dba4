"""What a command is given: settings from the environment, durations from its options."""

from datetime import timedelta

import typer
from pydantic import TypeAdapter, ValidationError

from cli.errors import BadSettings
from jobs import environment
from jobs.settings import Duration, Settings

_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)


def read_settings() -> Settings:
    """Raises BadSettings."""
    try:
        return environment.read_settings()
    except environment.UnreadableSettings as error:
        raise BadSettings(str(error)) from None


def read_duration(text: str) -> timedelta:
    """For `typer.Option(parser=...)`: `300`, `90s`, `5m`."""
    try:
        return _DURATION.validate_python(text)
    except ValidationError:
        raise typer.BadParameter(f"{text!r} is no duration; write 300, 90s, 5m or 1h") from None
