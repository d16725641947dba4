"""Speech: the sentences of a slide, spoken on this machine by hibari-tts (English), with the time of each."""

import asyncio
import io
import re
import wave
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kinds.lesson.video.captions import Cue, cues_of
from kinds.lesson.video.slides import BREATH, LEAD, Slide

if TYPE_CHECKING:
    from hibari import Hibari

SAMPLE_RATE = 24_000
FRAMES_A_SECOND = 24
_SAMPLES_A_FRAME = SAMPLE_RATE // FRAMES_A_SECOND
_PACE = 0.92
"""Of the voice's own: a lesson is listened to for the first time."""
_AUDIBLE = 0.004
"""Of full scale: anything quieter before and after a sentence is silence of the voice's own."""
_UNSPOKEN = 15
"""Signs a second at which words can be read that the voice cannot say."""
_SPOKEN = (
    (re.compile(r"https?://(?:www\.)?", re.IGNORECASE), ""),
    (re.compile(r"\be\.\s?g\.,?", re.IGNORECASE), "for example,"),
    (re.compile(r"\bi\.\s?e\.,?", re.IGNORECASE), "that is,"),
    (re.compile(r"\bvs\.?(?=\s)", re.IGNORECASE), "versus"),
    (re.compile(r"\betc\.", re.IGNORECASE), "and so on."),
    (re.compile(r"(?<![^\W_])_{2,}(?![^\W_])"), " ... something ... "),
    (re.compile(r"[_#*`~|<>{}\[\]\\]+"), " "),
)
"""What the voice would stumble over, and what it says instead. Numbers, units and dates it reads by itself."""

_READABLE = re.compile(r"[0-9A-Za-z\u00c0-\u024f]")

_reader = ThreadPoolExecutor(1, thread_name_prefix="speech")
"""One thread for all speech: the voice serves one caller at a time, and each thread that used it would keep memory."""


@dataclass(frozen=True)
class Spoken:
    """A WAV file, 16 bit, one channel, whole frames of video long, and what is said in it when."""

    wav: bytes
    seconds: float
    cues: list[Cue]


class Stopped(Exception):
    """Nobody waits for the rest any more."""


async def speak(slide: Slide) -> Spoken:
    """What is said to a slide. It stops within a sentence when it is cancelled."""
    stop = Event()
    try:
        return await asyncio.get_running_loop().run_in_executor(_reader, _speak, slide, stop)
    finally:
        stop.set()


def _speak(slide: Slide, stop: Event) -> Spoken:
    pieces = [_silence(LEAD)]
    cues: list[Cue] = []
    at = LEAD
    for sentence, audio in _spoken(slide.said, stop):
        end = at + len(audio) / SAMPLE_RATE
        cues += cues_of(sentence, at, end)
        pieces += [audio, _silence(BREATH)]
        at = end + BREATH
    pieces.append(_silence(slide.pause))
    whole = np.concatenate(pieces)
    whole = np.pad(whole, (0, -len(whole) % _SAMPLES_A_FRAME))
    return Spoken(_wav(whole), len(whole) / SAMPLE_RATE, cues)


def _spoken(sentences: Sequence[str], stop: Event) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for sentence in sentences:
        if stop.is_set():
            raise Stopped
        audio = _read_aloud(spoken_form(sentence))
        heard = np.flatnonzero(np.abs(audio) > _AUDIBLE)
        yield sentence, audio[heard[0] : heard[-1] + 1] if len(heard) else _silence(len(sentence) / _UNSPOKEN)


def _read_aloud(text: str) -> NDArray[np.float32]:
    """Nothing for words without a letter or figure that the voice knows."""
    if not _READABLE.search(text):
        return _silence(0)
    return np.asarray(_voice()(text, speed=_PACE, seed=0), np.float32)


def spoken_form(sentence: str) -> str:
    """The sentence as the voice is to read it."""
    for written, said in _SPOKEN:
        sentence = written.sub(said, sentence)
    return " ".join(sentence.split())


@cache
def _voice() -> "Hibari":
    from hibari import Hibari  # noqa: PLC0415  # with its model 0.5 s and 90 MB, for videos only

    return Hibari()


def _silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def _wav(audio: NDArray[np.float32]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes((np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()
