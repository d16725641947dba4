"""The film: slides shown for as long as their speech, with captions, as MP4 by ffmpeg."""

import asyncio
import wave
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import cast

from kinds.lesson.video.speech import FRAMES_A_SECOND, SAMPLE_RATE


class FilmFailed(Exception):
    """ffmpeg gave up; the message is the end of what it said."""


@dataclass(frozen=True)
class Shot:
    """One slide: its picture and speech as files, and how long it is shown."""

    png: Path
    wav: Path
    seconds: float


async def make_film(shots: Sequence[Shot], vtt: Path, film: Path, *, tell: Callable[[float], Awaitable[None]]) -> None:
    """Writes the film, beside which its working files lie. `tell` hears the seconds that are done.

    ffmpeg ends with this call, also when it is cancelled. Raises FilmFailed.
    """
    listed, speech = film.with_suffix(".ffconcat"), film.with_suffix(".wav")
    listed.write_text(_list(shots))
    await asyncio.to_thread(_join, [shot.wav for shot in shots], speech)
    seconds = sum(shot.seconds for shot in shots)
    ffmpeg = await asyncio.create_subprocess_exec(
        _executable(),
        *("-y", "-nostdin", "-nostats", "-loglevel", "error", "-progress", "pipe:1"),
        *("-f", "concat", "-safe", "0", "-i", listed, "-i", speech, "-i", vtt),
        *("-map", "0:v", "-map", "1:a", "-map", "2:s", "-t", f"{seconds:.3f}"),
        *("-vf", f"format=yuv420p,fps={FRAMES_A_SECOND}", "-threads", "2"),
        *("-c:v", "libx264", "-preset", "veryfast", "-tune", "stillimage", "-crf", "21"),
        *("-c:a", "aac", "-b:a", "96k", "-ar", "48000", "-c:s", "mov_text"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:s:0", "language=eng", "-movflags", "+faststart", film),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        errors, _ = await asyncio.gather(_read(ffmpeg.stderr), _follow(ffmpeg.stdout, tell))
        if await ffmpeg.wait():
            raise FilmFailed(errors[-500:].decode(errors="replace").strip())
    finally:
        if ffmpeg.returncode is None:
            ffmpeg.kill()
            await ffmpeg.wait()


async def measured_seconds(film: Path) -> float:
    """The duration of a film, by decoding it."""
    import imageio_ffmpeg  # noqa: PLC0415  # of the extra `video`

    count = cast("Callable[[Path], tuple[int, float]]", imageio_ffmpeg.count_frames_and_secs)
    _, seconds = await asyncio.to_thread(count, film)
    return seconds


def has_ffmpeg() -> bool:
    try:
        return which(_executable()) is not None
    except RuntimeError:
        return False


def _executable() -> str:
    """Raises RuntimeError where none is known."""
    from imageio_ffmpeg import get_ffmpeg_exe  # noqa: PLC0415  # of the extra `video`

    return get_ffmpeg_exe()


def _list(shots: Sequence[Shot]) -> str:
    """For ffmpeg's concat demuxer, to which the last duration counts only if something follows."""
    lines = [line for shot in shots for line in (f"file '{shot.png.name}'", f"duration {shot.seconds:.6f}")]
    return "\n".join(["ffconcat version 1.0", *lines, f"file '{shots[-1].png.name}'"]) + "\n"


def _join(wavs: Sequence[Path], whole: Path) -> None:
    with wave.open(str(whole), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        for path in wavs:
            with wave.open(str(path), "rb") as part:
                out.writeframes(part.readframes(part.getnframes()))


async def _follow(output: asyncio.StreamReader | None, tell: Callable[[float], Awaitable[None]]) -> None:
    """Reads ffmpeg's `-progress`: lines of key=value, `out_time_us` being microseconds, or N/A."""
    assert output is not None
    async for line in output:
        key, _, value = line.decode().strip().partition("=")
        if key == "out_time_us" and value.isdecimal():
            await tell(int(value) / 1e6)


async def _read(stream: asyncio.StreamReader | None) -> bytes:
    assert stream is not None
    return await stream.read()
