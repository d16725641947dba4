"""A report as a Word document in Word's own styles, which a template or a table of contents can be laid over."""

import io
from datetime import UTC, datetime

from docx import Document
from docx.document import Document as DocumentType
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph

from kinds.report import Cited, Report, ReportSection
from kinds.shared.printable import printable, reference_words

FONT = "Cambria"
_INK = RGBColor(0x1F, 0x2A, 0x44)
_SOFT = RGBColor(0x5F, 0x66, 0x73)


def render_docx(report: Report) -> bytes:
    document = Document()
    _set_up(document, report)
    document.add_paragraph(printable(report.title), style="Title")
    document.add_paragraph(printable(report.byline), style="Subtitle")
    document.add_heading("Abstract", level=1)
    document.add_paragraph(printable(report.abstract))
    for number, section in enumerate(report.sections, 1):
        document.add_heading(f"{number}. {printable(section.heading)}", level=1)
        _write(document, section)
    if report.references:
        document.add_heading("References", level=1)
        document.add_paragraph("Passages are numbered from the beginning of the source.")
    for reference in report.references:
        where = f"Passage {reference.passage}" + (f", under {printable(reference.under)}" if reference.under else "")
        line = document.add_paragraph(f"[{reference.number}]\t{where}: {printable(reference_words(reference.quotes))}")
        line.paragraph_format.left_indent, line.paragraph_format.first_line_indent = Cm(1), Cm(-1)
        line.paragraph_format.tab_stops.add_tab_stop(Cm(1))
        line.paragraph_format.space_after = Pt(4)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _write(document: DocumentType, section: ReportSection) -> None:
    for statements in section.paragraphs:
        paragraph = document.add_paragraph()
        for statement in statements:
            _state(paragraph, statement)
    for points in section.lists:
        document.add_heading(printable(points.title), level=2)
        for point in points.points:
            _state(document.add_paragraph(style="List Bullet"), point)


def _state(paragraph: Paragraph, statement: Cited) -> None:
    paragraph.add_run((" " if paragraph.runs else "") + printable(statement.text))
    if statement.references:
        paragraph.add_run("\u00a0" + "".join(f"[{number}]" for number in statement.references)).font.color.rgb = _SOFT


def _set_up(document: DocumentType, report: Report) -> None:
    """A4, quiet typography, page numbers, and properties that are this report's."""
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2.8)
    page.top_margin = page.bottom_margin = Cm(2.5)
    _page_number(page.footer.paragraphs[0])
    sizes = {"Normal": 11, "List Bullet": 11, "Title": 26, "Subtitle": 11, "Heading 1": 15, "Heading 2": 12}
    for name, size in sizes.items():
        _style(document, name, size)
    document.styles["Normal"].paragraph_format.line_spacing = 1.2  # pyright: ignore[reportAttributeAccessIssue]  # a paragraph style, typed as any
    document.styles["Normal"].paragraph_format.space_after = Pt(8)  # pyright: ignore[reportAttributeAccessIssue]  # the same
    about = document.core_properties
    about.title, about.author, about.comments = (
        printable(report.title)[:255],
        "Headrace",
        printable(report.byline)[:255],
    )
    about.created = about.modified = datetime.now(UTC)


def _style(document: DocumentType, name: str, size: int) -> None:
    style = document.styles[name]
    assert isinstance(style, ParagraphStyle), name
    style.font.name, style.font.size = FONT, Pt(size)
    # Headings name their font by theme, which would win over ours.
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]  # its types end here
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    if name not in {"Normal", "List Bullet"}:
        style.font.color.rgb = _SOFT if name == "Subtitle" else _INK


def _page_number(paragraph: Paragraph) -> None:
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportArgumentType]  # python-docx has no fields of its own
