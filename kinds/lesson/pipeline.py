"""A lesson: its words at once, then Markdown and HTML, and a video if it is asked for."""

import asyncio
from collections.abc import Callable, Mapping

from headrace import FileRef, JobContext, Step
from kinds.lesson import Lesson, LessonInput, LessonPlan, LessonResult
from kinds.lesson.html import render_lesson_html
from kinds.lesson.markdown import render_lesson_markdown
from kinds.lesson.video.production import check_equipment, produce
from kinds.lesson.video.slides import estimate
from kinds.shared.documents import byline, document
from kinds.shared.passages import passages

OFFLINE = "kinds.offline.writing.lesson:compose_lesson"

INSTRUCTIONS = """\
Write a lesson on the topic for the audience: as many sections as `sections` says, about `words` words to be read aloud
in all. Each section explains one thing, gives a concrete example and ends with a question and its answer. Then a
summary, and a quiz of three to six questions with three or four choices each. If passages of a source are given, teach
only what they say; without passages, teach what is generally known and certain. Write in the language of the topic.
Plain text, no Markdown, no lists in sentences."""

WORDS_A_MINUTE = 145
"""Of the voice; a teacher reads no faster."""

DOCUMENTS: Mapping[str, tuple[Callable[[Lesson], bytes], str]] = {
    "md": (render_lesson_markdown, "text/markdown; charset=utf-8"),
    "html": (render_lesson_html, "text/html; charset=utf-8"),
}
"""Suffix -> how the lesson is rendered, and the type of that file."""


async def make(job: JobContext, request: LessonInput) -> LessonResult:
    as_video = request.modality == "video"
    if as_video:
        check_equipment()
    lesson = await _written(job, request)
    files = {
        suffix: await job.step(f"document:{suffix}", document(f"lesson.{suffix}", *rendering, lesson), FileRef)
        for suffix, rendering in DOCUMENTS.items()
    }
    video = await produce(job, lesson, seed=request.seed) if as_video else None
    return LessonResult(
        **dict(lesson),
        modality=request.modality,
        provider=job.provider,
        markdown=files["md"],
        html=files["html"],
        video=video,
        not_made=None if as_video else estimate(lesson),
    )


async def _written(job: JobContext, request: LessonInput) -> Lesson:
    await job.progress(0.0, "lesson", "writing the lesson")
    source = await asyncio.to_thread(passages, request.source or "")
    facts = {
        "topic": request.topic,
        "audience": request.audience,
        "sections": request.sections,
        "words": request.minutes * WORDS_A_MINUTE,
        "passages": [passage.model_dump() for passage in source],
    }

    async def write(step: Step) -> LessonPlan:
        return await step.text(
            INSTRUCTIONS,
            facts=facts,
            answer=LessonPlan,
            seed=request.seed,
            offline=OFFLINE,
        )

    plan = await job.step("lesson", write, LessonPlan)
    written_by = byline(job.provider, has_source=bool(source), planned="ways to find out")
    return Lesson(**dict(plan), byline=written_by, audience=request.audience)
