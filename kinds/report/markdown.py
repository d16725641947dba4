"""A report as Markdown, references as links to the list at the end."""

from collections.abc import Sequence

from kinds.report import Cited, Reference, Report, ReportSection
from kinds.shared.markdown_text import markdown_text as _text
from kinds.shared.printable import reference_words


def render_markdown(report: Report) -> bytes:
    """UTF-8. Whatever the words are, they are text: nothing in them is read as markup."""
    parts = [f"# {_text(report.title)}", f"*{_text(report.byline)}*", "## Abstract", _text(report.abstract)]
    for number, section in enumerate(report.sections, 1):
        parts += [f"## {number}. {_text(section.heading)}", *_section(section)]
    if report.references:
        parts += ["## References", "The numbers are those of the passages of the source, from its beginning."]
        parts += [_reference(reference) for reference in report.references]
    return ("\n\n".join(parts) + "\n").encode()


def _section(section: ReportSection) -> list[str]:
    parts = [" ".join(map(_cited, paragraph)) for paragraph in section.paragraphs]
    for points in section.lists:
        parts += [f"### {_text(points.title)}", "\n".join(f"- {_cited(point)}" for point in points.points)]
    return parts


def _cited(statement: Cited) -> str:
    return " ".join([_text(statement.text), *_marks(statement.references)])


def _marks(numbers: Sequence[int]) -> list[str]:
    return [f"[\\[{number}\\]](#ref-{number})" for number in numbers]


def _reference(reference: Reference) -> str:
    where = f"Passage {reference.passage}" + (f", under *{_text(reference.under)}*" if reference.under else "")
    return (
        f'<a id="ref-{reference.number}"></a>[{reference.number}] {where}: {_text(reference_words(reference.quotes))}'
    )
