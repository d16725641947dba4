"""A picture book: the words at once, the pictures several at a time, then PDF and HTML."""

import asyncio

from headrace import FileRef, JobContext, Step
from kinds.story import StoryInput, StoryOutline, StoryPage, StoryResult, StoryResultPage
from kinds.story.picture_book import Book, BookPage, render_html, render_pdf

OFFLINE = "kinds.offline.writing.composer:write_story"

INSTRUCTIONS = """\
Write a picture book for children of four to eight from the title and the idea given. Tell a whole story: a hero, a
place, a wish, trouble, help, an end. Two to four short sentences a page. For each page give the scene in parts and one
sentence that describes the picture. The hero looks the same on every page and all pictures are of one style: describe
both once, so exactly that a painter who sees one page only paints the same hero in the same style."""

BYLINES = {
    "offline": "Composed and drawn offline by Headrace, without AI",
    "local": "Written by a language model on this machine, drawn offline by Headrace without AI",
}


async def make(job: JobContext, story: StoryInput) -> StoryResult:
    await job.progress(0.0, "outline", "writing the story")

    async def write(step: Step) -> StoryOutline:
        facts = {"title": story.title, "prompt": story.prompt, "pages": story.pages}
        return await step.text(
            INSTRUCTIONS,
            facts=facts,
            answer=StoryOutline,
            seed=story.seed,
            offline=OFFLINE,
        )

    outline = await job.step("outline", write, StoryOutline)
    await job.progress(0.1, "page", f"0 of {len(outline.pages)}")

    async def draw(step: Step, numbered: tuple[int, StoryPage]) -> StoryResultPage:
        number, page = numbered
        prompt = f"{page.picture}\n\nThe hero, the same on every page: {outline.hero}\nThe style: {outline.style}"
        image = await step.image(prompt, scene=page.scene.model_dump(), seed=story.seed)
        picture = await step.keep(f"page-{number:02}.png", image.png, "image/png")
        return StoryResultPage(number=number, text=page.text, picture=picture, stand_ins=image.stand_ins)

    pages = await job.map("page", list(enumerate(outline.pages, 1)), draw, StoryResultPage, span=(0.1, 0.9))
    await job.progress(0.9, "book", "binding the book")

    async def bind(step: Step) -> list[FileRef]:
        book = Book(
            title=outline.title,
            byline=BYLINES.get(job.provider, f"Written and painted with {job.provider}"),
            pages=[
                BookPage(number=page.number, text=page.text, png=await job.load(page.picture), alt=words.picture)
                for page, words in zip(pages, outline.pages, strict=True)
            ],
        )
        pdf, html = await asyncio.gather(asyncio.to_thread(render_pdf, book), asyncio.to_thread(render_html, book))
        return [
            await step.keep("story.pdf", pdf, "application/pdf"),
            await step.keep("story.html", html, "text/html; charset=utf-8"),
        ]

    pdf, html = await job.step("book", bind, list[FileRef])
    return StoryResult(title=outline.title, provider=job.provider, pages=pages, pdf=pdf, html=html)
