"""A report: its plan at once, its sections several at a time, then Markdown, DOCX and PDF."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from headrace import FileRef, JobContext, Step
from kinds.report import (
    Report,
    ReportInput,
    ReportOutline,
    ReportResult,
    SectionPlan,
    SectionText,
)
from kinds.report.citations import bind, with_found_quotes
from kinds.report.docx import render_docx
from kinds.report.markdown import render_markdown
from kinds.report.pdf import render_pdf
from kinds.shared.documents import byline, document
from kinds.shared.passages import Passage, passages

OFFLINE_PLANNING = "kinds.offline.writing.report:compose_outline"
OFFLINE_WRITING = "kinds.offline.writing.report:compose_section"

PLANNING = """\
Plan a report on the topic for the audience. If passages of a source are given, plan from them alone and name for each
section the passages it draws on; without passages, plan from what is generally known and name none. `sections` is how
many there are to be, or their headings in order. Write in the language of the topic. Plain text, no Markdown."""

WRITING = """\
Write one section of a report for the audience: what `covers` says, under the heading given, which is not to be
repeated. If passages of a source are given, state only what they say, and give with each statement the words it rests
on, copied exactly, and the number of their passage. Without passages, state what is generally known and quote nothing;
never make up a source. Further figures or questions may follow as lists. Write in the language of the topic. Plain
text, no Markdown and no marks of references."""

DOCUMENTS: Mapping[str, tuple[Callable[[Report], bytes], str]] = {
    "md": (render_markdown, "text/markdown; charset=utf-8"),
    "docx": (render_docx, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "pdf": (render_pdf, "application/pdf"),
}
"""Suffix -> how the report is rendered, and the type of that file."""


async def make(job: JobContext, request: ReportInput) -> ReportResult:
    await job.progress(0.0, "outline", "planning the report")
    source = await asyncio.to_thread(passages, request.source or "")
    by_number = {passage.number: passage for passage in source}
    about = {"topic": request.topic, "audience": request.audience, "has_source": bool(source)}

    async def plan(step: Step) -> ReportOutline:
        facts = {**about, "sections": request.sections, "passages": _facts(source)}
        return await step.text(
            PLANNING,
            facts=facts,
            answer=ReportOutline,
            seed=request.seed,
            offline=OFFLINE_PLANNING,
        )

    outline = await job.step("outline", plan, ReportOutline)
    await job.progress(0.1, "section", f"0 of {len(outline.sections)}")

    async def write(step: Step, planned: SectionPlan) -> SectionText:
        drawn_on = [by_number[number] for number in planned.passages if number in by_number]
        facts = {**about, "heading": planned.heading, "covers": planned.covers, "passages": _facts(drawn_on)}
        section = await step.text(
            WRITING,
            facts=facts,
            answer=SectionText,
            seed=request.seed,
            offline=OFFLINE_WRITING,
        )
        return with_found_quotes(section, {passage.number: passage for passage in drawn_on})

    sections = await job.map("section", outline.sections, write, SectionText, span=(0.1, 0.9))
    await job.progress(0.9, "document", "Markdown, DOCX and PDF")
    written_by = byline(job.provider, has_source=bool(source), planned="questions to answer")
    report = bind(outline, sections, by_number, byline=written_by)
    files = {
        suffix: await job.step(f"document:{suffix}", document(f"report.{suffix}", *rendering, report), FileRef)
        for suffix, rendering in DOCUMENTS.items()
    }
    return ReportResult(
        **dict(report), provider=job.provider, markdown=files["md"], docx=files["docx"], pdf=files["pdf"]
    )


def _facts(chosen: Sequence[Passage]) -> list[dict[str, object]]:
    return [passage.model_dump() for passage in chosen]
