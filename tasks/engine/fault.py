"""What a failed pipeline is told of in a job's error: short, and without secrets."""

from pydantic import ValidationError

from headrace.redaction import redacted
from jobs.settings import Settings

MAX_LENGTH = 500
"""Characters of an error's text that a job shows; the worker's log has all of it."""


def describe(error: BaseException, settings: Settings) -> str:
    """`ValueError: no such voice`, without what looks like a secret or is one of the settings'."""
    text = " ".join(_text(error).split())
    for secret in (settings.openai_key, settings.gemini_key, settings.redis_url.get_secret_value()):
        if secret:
            text = text.replace(secret, "[secret]")
    text = redacted(text)
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}..."


def _text(error: BaseException) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    # Without what was validated, which the client or the log has, and without a link.
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{error.title}: {place}: {first['msg']}" if place else f"{error.title}: {first['msg']}"
