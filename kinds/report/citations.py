"""References of a report: quotes that really stand in the source, numbered in the order in which they are cited."""

from collections.abc import Mapping, Sequence

from kinds.report import (
    Cited,
    Quote,
    Reference,
    Report,
    ReportList,
    ReportOutline,
    ReportSection,
    SectionText,
    Statement,
)
from kinds.shared.passages import Passage

_ALIKE = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014\u00a0", "''\"\"-- ")
"""What models write one for the other; sign for sign, so that places stay the same."""


def found_in(passage: str, quote: str) -> str | None:
    """The quote as it stands in the passage, or None if it does not."""
    plain = " ".join(quote.translate(_ALIKE).split())
    at = passage.translate(_ALIKE).find(plain)
    return passage[at : at + len(plain)] if plain and at >= 0 else None


def with_found_quotes(section: SectionText, source: Mapping[int, Passage]) -> SectionText:
    """The section without quotes that do not stand in the passages given: a model may have made them up."""
    statements = [
        *(statement for paragraph in section.paragraphs for statement in paragraph.statements),
        *(point for points in section.lists for point in points.points),
    ]
    for statement in statements:
        statement.quotes = _found(statement.quotes, source)
    return section


def _found(quotes: Sequence[Quote], source: Mapping[int, Passage]) -> list[Quote]:
    pairs = [(quote, found_in(source[quote.passage].text, quote.quote)) for quote in quotes if quote.passage in source]
    return [Quote(passage=quote.passage, quote=words) for quote, words in pairs if words]


def bind(
    outline: ReportOutline, sections: Sequence[SectionText], source: Mapping[int, Passage], *, byline: str
) -> Report:
    """The whole report. A passage has one number, however often it is cited."""
    book = _References(source)
    written = [
        ReportSection(
            heading=planned.heading,
            paragraphs=[[book.cite(statement) for statement in each.statements] for each in section.paragraphs],
            lists=[
                ReportList(title=points.title, points=[book.cite(point) for point in points.points])
                for points in section.lists
            ],
        )
        for planned, section in zip(outline.sections, sections, strict=True)
    ]
    return Report(
        title=outline.title, byline=byline, abstract=outline.abstract, sections=written, references=book.references
    )


class _References:
    def __init__(self, source: Mapping[int, Passage]) -> None:
        self._source = source
        self._by_passage: dict[int, Reference] = {}

    @property
    def references(self) -> list[Reference]:
        return list(self._by_passage.values())

    def cite(self, statement: Statement) -> Cited:
        numbers = [self._number(quote) for quote in statement.quotes]
        return Cited(text=statement.text, references=sorted(set(numbers)))

    def _number(self, quote: Quote) -> int:
        fresh = Reference(
            number=len(self._by_passage) + 1,
            passage=quote.passage,
            under=self._source[quote.passage].under,
            quotes=[],
        )
        reference = self._by_passage.setdefault(quote.passage, fresh)
        if quote.quote not in reference.quotes:
            reference.quotes.append(quote.quote)
        return reference.number
