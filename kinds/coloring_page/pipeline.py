"""A page to colour in: its picture in words if it comes from words, the art, clean lines, and sheets to print."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from pydantic import BaseModel

from headrace import FileNotFound, FileRef, JobContext, Reason, Rejected, Step
from kinds.coloring_page import ColoringPageInput, ColoringPageOutline, ColoringPageResult, Paper
from kinds.coloring_page.line_art.cleaning import NoLines, clean
from kinds.coloring_page.line_art.reading import UnreadablePicture, png_of, read_picture
from kinds.coloring_page.sheet import render_sheet

Asked = ParamSpec("Asked")
Made = TypeVar("Made")

OFFLINE = "kinds.offline.writing.page_planner:write_page"

INSTRUCTIONS = """\
Plan one page of a coloring book for children from the prompt given: a title, the scene in parts, and the picture in one
or two sentences. It has few, large, simple shapes. Describe shapes only: no colours, no shading, no text in it."""

DETAIL = {
    "simple": "Very few and very large shapes with thick lines, for a child of three.",
    "normal": "Clear, large shapes, for a child of six.",
    "fine": "Rich detail with thin lines, for older children.",
}
REDRAW = "Redraw this picture with the same subjects and composition."
SOURCE_SIDE = 2048
"""Longest side in pixels of an uploaded picture as it goes to a provider."""

PAPERS: dict[str, tuple[Paper, ...]] = {"A4": ("A4",), "letter": ("letter",), "both": ("A4", "letter")}


class Art(BaseModel):
    """The picture as the provider made it."""

    file: FileRef
    stand_ins: list[str]


async def make(job: JobContext, page: ColoringPageInput) -> ColoringPageResult:
    outline = await _outlined(job, page)
    await job.progress(0.2, "art", "drawing the lines")

    async def draw(step: Step) -> Art:
        how = DETAIL[page.detail]
        if outline:
            scene = outline.scene.model_dump() | {"detail": page.detail}
            image = await step.image(f"{outline.picture} {how}", scene=scene, style="line_art", seed=page.seed)
        else:
            source = await _source(job, step, page.image or "")
            scene = {"detail": page.detail}
            image = await step.image(f"{REDRAW} {how}", scene=scene, style="line_art", source=source, seed=page.seed)
        return Art(file=await step.keep("art.png", image.png, "image/png"), stand_ins=image.stand_ins)

    art = await job.step("art", draw, Art)
    await job.progress(0.6, "clean", "cleaning the lines")

    async def tidy(step: Step) -> FileRef:
        art_png = await job.load(art.file)
        try:
            image = await asyncio.to_thread(read_picture, art_png, longest=SOURCE_SIDE)
        except UnreadablePicture as error:
            message = f"The picture that the provider made cannot be read: {error}. Send the job once more."
            raise _refused(step, message, reason=Reason.INVALID_ANSWER) from error
        png = await _worked(step, clean, image, page.detail)
        return await step.keep("coloring-page.png", png, "image/png")

    picture = await job.step("clean", tidy, FileRef)
    await job.progress(0.8, "sheet", "setting the sheets")
    title = page.title or (outline.title if outline else None)

    async def lay_out(step: Step) -> list[FileRef]:
        png = await job.load(picture)
        return [
            await step.keep(
                f"coloring-page-{paper.lower()}.pdf",
                await asyncio.to_thread(render_sheet, png, paper, title=title),
                "application/pdf",
            )
            for paper in PAPERS[page.paper]
        ]

    sheets = await job.step("sheet", lay_out, list[FileRef])
    return ColoringPageResult(
        title=title,
        source="prompt" if outline else "image",
        provider=job.provider,
        picture=picture,
        sheets=sheets,
        stand_ins=art.stand_ins,
    )


async def _outlined(job: JobContext, page: ColoringPageInput) -> ColoringPageOutline | None:
    """The page in words; None when it comes from a picture."""
    if page.prompt is None:
        return None
    facts = {"prompt": page.prompt, "detail": page.detail}
    await job.progress(0.0, "outline", "planning the page")

    async def plan(step: Step) -> ColoringPageOutline:
        return await step.text(
            INSTRUCTIONS,
            facts=facts,
            answer=ColoringPageOutline,
            seed=page.seed,
            offline=OFFLINE,
        )

    return await job.step("outline", plan, ColoringPageOutline)


async def _source(job: JobContext, step: Step, upload_id: str) -> bytes:
    """The uploaded picture, upright and on white, as a PNG that any provider can read."""
    try:
        data = await job.upload(upload_id)
    except FileNotFound:
        raise _refused(step, f"Upload {upload_id} is no longer kept. Upload the picture again.") from None
    return await _worked(step, lambda: png_of(read_picture(data, longest=SOURCE_SIDE)))


async def _worked(step: Step, work: Callable[Asked, Made], *args: Asked.args, **options: Asked.kwargs) -> Made:
    """Image processing in a thread. Raises Rejected for pictures that cannot be worked with."""
    try:
        return await asyncio.to_thread(work, *args, **options)
    except UnreadablePicture as error:
        raise _refused(step, f"The picture cannot be read: {error}. Send a whole PNG, JPEG or WebP.") from error
    except NoLines:
        message = "No lines to colour between were found in the picture. Send one with clearer outlines or more light."
        raise _refused(step, message) from None


def _refused(step: Step, message: str, *, reason: Reason = Reason.INPUT_REJECTED) -> Rejected:
    error = Rejected(message, reason=reason)
    error.stage = step.call.step
    return error
