"""A lesson becomes a video, each part of it a step: pictures, slides, speech, film."""

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel

from headrace import FileRef, JobContext, Reason, Rejected, Step
from kinds.lesson import Lesson, LessonSection, LessonVideo
from kinds.lesson.video.captions import Cue, web_vtt
from kinds.lesson.video.film import Shot, has_ffmpeg, make_film, measured_seconds
from kinds.lesson.video.pages import render_pages
from kinds.lesson.video.slides import Slide, slides
from kinds.lesson.video.speech import speak

_LIBRARIES = ("hibari", "imageio_ffmpeg")
PICTURE = "A calm, clear picture for a lesson, flat colours, without words or letters in it."


class Picture(BaseModel):
    file: FileRef | None


class Speech(BaseModel):
    """The speech of one slide."""

    file: FileRef
    seconds: float
    cues: list[Cue]


class Film(BaseModel):
    video: FileRef
    captions: FileRef
    seconds: float


def check_equipment() -> None:
    """Raises Rejected where videos cannot be made, before anything is paid for."""
    if not all(map(find_spec, _LIBRARIES)):
        message = (
            "No videos are made here: the workers lack the extra `video`. Ask for modality `text`, or have it"
            " installed: pip install 'headrace[worker,video]'."
        )
        raise Rejected(message, reason=Reason.INPUT_REJECTED)
    if not has_ffmpeg():
        message = (
            "No videos are made here: the workers find no ffmpeg. Ask for modality `text`, or have it installed on"
            " their PATH or where IMAGEIO_FFMPEG_EXE says."
        )
        raise Rejected(message, reason=Reason.INPUT_REJECTED)


async def produce(job: JobContext, lesson: Lesson, *, seed: int) -> LessonVideo:
    """From 0.2 of the job's progress to its end."""
    shown = slides(lesson)
    pictures = await _pictures(job, lesson.sections, seed)
    await job.progress(0.4, "slides", f"{len(shown)} slides")
    pages = await job.step("slides", lambda step: _drawn(job, step, shown, pictures), list[FileRef])
    await job.progress(0.45, "speech", f"0 of {len(shown)}")

    async def say(step: Step, slide: Slide) -> Speech:
        spoken = await speak(slide)
        name = f"{step.call.step.replace(':', '-')}.wav"
        return Speech(file=await step.keep(name, spoken.wav, "audio/wav"), seconds=spoken.seconds, cues=spoken.cues)

    # One voice per process; it is many times faster than real time.
    speech = await job.map("speech", shown, say, Speech, span=(0.45, 0.7), limit=1)
    await job.progress(0.7, "video", "0 %")
    film = await job.step("video", lambda step: _filmed(job, step, pages, speech), Film)
    return LessonVideo(video=film.video, captions=film.captions, slides=pages, seconds=film.seconds)


async def _pictures(job: JobContext, sections: Sequence[LessonSection], seed: int) -> dict[int, FileRef]:
    """By section. A stand-in for what a section speaks of would teach something false, so it is left out."""
    numbered = {number: section.picture for number, section in enumerate(sections, 1) if section.picture}

    async def draw(step: Step, number: int) -> Picture:
        asked = numbered[number]
        image = await step.image(f"{asked.picture} {PICTURE}", scene=asked.scene.model_dump(), seed=seed)
        kept = None if image.stand_ins else await step.keep(f"picture-{number}.png", image.png, "image/png")
        return Picture(file=kept)

    drawn = await job.map("picture", list(numbered), draw, Picture, span=(0.2, 0.4))
    return {number: made.file for number, made in zip(numbered, drawn, strict=True) if made.file}


async def _drawn(job: JobContext, step: Step, shown: Sequence[Slide], pictures: dict[int, FileRef]) -> list[FileRef]:
    pngs = {section: await job.load(ref) for section, ref in pictures.items()}
    pages = await asyncio.to_thread(render_pages, shown, pngs)
    return [await step.keep(f"slide-{number:02}.png", page, "image/png") for number, page in enumerate(pages, 1)]


async def _filmed(job: JobContext, step: Step, pages: Sequence[FileRef], speech: Sequence[Speech]) -> Film:
    total = sum(each.seconds for each in speech)

    async def tell(done: float) -> None:
        share = min(1.0, done / total)
        await job.progress(0.7 + 0.28 * share, "video", f"{share:.0%}")

    with TemporaryDirectory(prefix="headrace-film-") as name:
        folder = Path(name)
        shots = [
            Shot(await _fetched(job, page, folder), await _fetched(job, each.file, folder), each.seconds)
            for page, each in zip(pages, speech, strict=True)
        ]
        vtt, film = folder / "captions.vtt", folder / "lesson.mp4"
        vtt.write_text(web_vtt([(each.seconds, each.cues) for each in speech]))
        await make_film(shots, vtt, film, tell=tell)
        return Film(
            video=await step.keep(film.name, film.read_bytes(), "video/mp4"),
            captions=await step.keep(vtt.name, vtt.read_bytes(), "text/vtt; charset=utf-8"),
            seconds=await measured_seconds(film),
        )


async def _fetched(job: JobContext, ref: FileRef, folder: Path) -> Path:
    path = folder / ref.name
    path.write_bytes(await job.load(ref))
    return path
