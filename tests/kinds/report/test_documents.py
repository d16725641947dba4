"""Reports as files: whatever the words are, they are printed and never obeyed."""

import io

import docx
import pypdf
import pytest

from kinds.report import Cited, Reference, Report, ReportList, ReportSection
from kinds.report.docx import render_docx
from kinds.report.markdown import render_markdown
from kinds.report.pdf import render_pdf

NASTY = [
    '#panic("x") #let a = 1 *bold* _it_ $x^2$ `code` <label> @ref // comment',
    "<script>alert(1)</script> & <img src=x onerror=alert(1)>",
    "x" * 300,
    "\u05e9\u05dc\u05d5\u05dd \u9ed2\u6f6e \U0001f98a",
    "\x00 control \x1b and \ud800 half",
    "1. no list\n# no heading",
    "",
]


def report(words: str = "Queues lose nothing.") -> Report:
    return Report(
        title="Why jobs get lost" if words.startswith("Queues") else words[:200],
        byline="Composed offline",
        abstract=words,
        sections=[
            ReportSection(
                heading=f"Part {number} {words[:60]}",
                paragraphs=[[Cited(text=words, references=[number]), Cited(text="Then it ends.", references=[])]],
                lists=[ReportList(title="Figures", points=[Cited(text=words, references=[1, 2])])],
            )
            for number in (1, 2)
        ],
        references=[
            Reference(number=number, passage=number * 7, under=words[:60] or None, quotes=[words[:80], "and more"])
            for number in (1, 2)
        ],
    )


@pytest.mark.parametrize("words", NASTY)
def test_any_words_can_be_printed(words: str) -> None:
    assert pypdf.PdfReader(io.BytesIO(render_pdf(report(words)))).pages
    assert docx.Document(io.BytesIO(render_docx(report(words)))).paragraphs
    assert render_markdown(report(words)).decode()


def test_a_pdf_has_a_head_numbers_pages_and_links_its_references() -> None:
    reader = pypdf.PdfReader(io.BytesIO(render_pdf(report("Queues lose nothing. " * 120))))
    text = [page.extract_text() for page in reader.pages]
    assert reader.metadata is not None
    assert reader.metadata.title == "Why jobs get lost"
    assert "Abstract" in text[0]
    assert all(f"{number} / {len(text)}" in page for number, page in enumerate(text, 1))
    assert "Passage 14" in text[-1]
    assert any("/Annots" in page for page in reader.pages)


def test_a_docx_uses_words_own_styles() -> None:
    document = docx.Document(io.BytesIO(render_docx(report())))
    styled = [(paragraph.style.name, paragraph.text) for paragraph in document.paragraphs if paragraph.style]
    assert styled[:3] == [("Title", "Why jobs get lost"), ("Subtitle", "Composed offline"), ("Heading 1", "Abstract")]
    assert ("Heading 1", "2. Part 2 Queues lose nothing.") in styled
    assert ("List Bullet", "Queues lose nothing.\u00a0[1][2]") in styled
    assert ("Normal", "Queues lose nothing.\u00a0[1] Then it ends.") in styled
    assert "PAGE" in document.sections[0].footer._element.xml  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # a field is no text


def test_markdown_has_links_to_its_references_and_no_markup_of_others() -> None:
    text = render_markdown(report("<b>*bold*</b> [x](y)")).decode()
    assert "\\<b\\>\\*bold\\*\\</b\\> \\[x\\](y) [\\[1\\]](#ref-1) Then it ends." in text
    assert '<a id="ref-2"></a>[2] Passage 14' in text
