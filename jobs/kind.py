"""What every part of the platform knows of a kind of job: its name, its models and its limits."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel


@dataclass(frozen=True)
class Kind:
    """One kind of job. `kinds.NAME.pipeline` runs it; the API never imports that."""

    name: str
    path: str
    """Where the API takes it, such as `/stories`."""
    input: type[BaseModel]
    result: type[BaseModel]
    summary: str
    time_limit: timedelta
    """Longest run of one attempt."""
    queue: str = "default"
    """The Celery queue that its jobs wait in."""
    uploads: tuple[str, ...] = ()
    """Fields of the input that name an upload."""
