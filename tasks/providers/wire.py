"""What all vendors behind HTTP have in common: what a call tells them, and how their answers are read."""

import asyncio
import warnings
from datetime import timedelta
from io import BytesIO

import PIL.Image
from pydantic import ValidationError

from headrace.errors import InvalidAnswer
from headrace.provider import Answer, Call
from headrace.usage import Usage
from kinds.coloring_page.line_art.reading import MAX_PIXELS

CONNECT_WITHIN = timedelta(seconds=5)
TRUNCATED = "it was truncated at the model's longest output"

_JPEG = b"\xff\xd8\xff"
_LONGEST_MESSAGE = 500
_MAX_FAULTS = 5


def payer(call: Call) -> dict[str, str]:
    """The headers that say which job and step pay for a call."""
    return {"Idempotency-Key": call.key, "X-Headrace-Job": call.job_id, "X-Headrace-Step": call.step}


def read_answer(text: str | None, answer: type[Answer], usage: Usage) -> Answer:
    """The model's text as the model asked for. Raises InvalidAnswer."""
    if not text:
        raise InvalidAnswer("it is empty", usage=usage)
    try:
        return answer.model_validate_json(text)
    except ValidationError as error:
        raise InvalidAnswer(_faults(error), answer=text, usage=usage) from None


async def read_picture(data: bytes, usage: Usage) -> bytes:
    """The picture as PNG, whatever it came as. Raises InvalidAnswer when it is damaged, cut short or too large."""
    try:
        return await asyncio.to_thread(_as_png, data)
    except _TooManyPixels as error:
        raise InvalidAnswer(str(error), usage=usage) from None
    except (OSError, ValueError, SyntaxError, EOFError, PIL.Image.DecompressionBombError):
        raise InvalidAnswer("it is not a picture, or not a whole one", usage=usage) from None


def picture_type(picture: bytes) -> str:
    """The media type of a picture, PNG or JPEG."""
    return "image/jpeg" if picture.startswith(_JPEG) else "image/png"


def short(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}..."


class _TooManyPixels(Exception):
    pass


def _as_png(data: bytes) -> bytes:
    """A PNG as it is, once it has been decoded to its end; anything else converted."""
    with warnings.catch_warnings(action="ignore", category=PIL.Image.DecompressionBombWarning):
        picture = PIL.Image.open(BytesIO(data))
    with picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise _TooManyPixels(f"its picture has more than {MAX_PIXELS // 1_000_000} megapixels")
        picture.verify()  # a PNG's end and checksums, which `load` does not need; after it, the file is opened anew
    with PIL.Image.open(BytesIO(data)) as picture:
        picture.load()
        if picture.format == "PNG":
            return data
        png = BytesIO()
        picture.save(png, "PNG")
        return png.getvalue()


def _faults(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_input=False)[:_MAX_FAULTS]
    return "; ".join(": ".join(filter(None, [".".join(map(str, fault["loc"])), fault["msg"]])) for fault in faults)
