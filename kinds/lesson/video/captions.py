"""Captions: what is said, when, in pieces that can be read in time (WebVTT)."""

import math
import textwrap
from collections.abc import Sequence

from pydantic import BaseModel

LINE = 42
"""Signs of a line that players show well."""
_CAPTION = 2 * LINE - 6
"""Signs of a caption: two lines, the first one rarely full."""
_UNEVEN = 10
"""Signs by which the captions of a sentence may differ, so that no word of it is left alone."""


class Cue(BaseModel):
    """Words, and the seconds within their slide at which they begin and end."""

    text: str
    start: float
    end: float


def cues_of(sentence: str, start: float, end: float) -> list[Cue]:
    """One cue, or several for a long sentence, each with time by its length."""
    count = math.ceil(len(sentence) / _CAPTION)
    pieces = textwrap.wrap(sentence, min(_CAPTION, len(sentence) // count + _UNEVEN))
    total = sum(map(len, pieces))
    cues: list[Cue] = []
    said = 0
    for piece in pieces:
        begins = start + (end - start) * said / total
        said += len(piece)
        cues.append(Cue(text=piece, start=begins, end=start + (end - start) * said / total))
    return cues


def web_vtt(slides: Sequence[tuple[float, Sequence[Cue]]]) -> str:
    """The captions of slides shown one after another, each for so many seconds."""
    parts = ["WEBVTT"]
    begins = 0.0
    for seconds, cues in slides:
        parts += [f"{_time(begins + cue.start)} --> {_time(begins + cue.end)}\n{_lines(cue.text)}" for cue in cues]
        begins += seconds
    return "\n\n".join(parts) + "\n"


def _lines(text: str) -> str:
    """In lines that fit, without what WebVTT reads as markup."""
    return "\n".join(textwrap.wrap(text, LINE)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
