"""What a film is, as ffmpeg reads it."""

import re
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray

RATE = 24_000


@dataclass(frozen=True)
class Film:
    """`streams` are ffmpeg's words for each; `audio` is from -1 to 1, at RATE."""

    seconds: float
    streams: list[str]
    audio: NDArray[np.float64]


@dataclass(frozen=True)
class Caption:
    start: float
    end: float
    text: str


def read_film(path: Path) -> Film:
    audio = path.with_suffix(".check.wav")
    command = [get_ffmpeg_exe(), "-hide_banner", "-y", "-i", str(path), "-map", "0:a", "-ar", str(RATE), str(audio)]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stderr  # noqa: S603  # our own command
    told = said.partition("Output #0")[0]
    duration = re.search(r"Duration: (\d+):(\d+):([\d.]+)", told)
    assert duration, said
    hours, minutes, seconds = duration.groups()
    return Film(
        seconds=int(hours) * 3600 + int(minutes) * 60 + float(seconds),
        streams=re.findall(r"Stream #0:\d.*?: (\w+: .*)", told),
        audio=samples(audio.read_bytes(), audio),
    )


def samples(data: bytes, path: Path) -> NDArray[np.float64]:
    """A WAV file of one channel at RATE."""
    path.write_bytes(data)
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def loudness(audio: NDArray[np.float64], start: float, end: float) -> float:
    """Root mean square between two seconds."""
    return float(np.sqrt(np.mean(audio[round(start * RATE) : round(end * RATE)] ** 2)))


def read_captions(vtt: str) -> list[Caption]:
    cues = re.findall(r"(\d+):(\d+):([\d.]+) --> (\d+):(\d+):([\d.]+)\n((?:.+\n)+)", vtt)
    return [Caption(_seconds(cue[:3]), _seconds(cue[3:6]), cue[6].strip()) for cue in cues]


def _seconds(time: tuple[str, ...]) -> float:
    hours, minutes, seconds = time
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
