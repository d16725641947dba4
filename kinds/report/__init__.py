"""A report on a topic, from a source text if there is one."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from headrace import FileRef, GeneratedInput, Kind, Line

LONGEST_SOURCE = 200_000
MIN_SECTIONS, MAX_SECTIONS = 2, 12
"""Sections of a report."""

Heading = Annotated[Line, Field(max_length=120)]
Number = Annotated[int, Field(ge=1)]


class ReportInput(GeneratedInput):
    model_config = ConfigDict(extra="forbid")

    topic: Annotated[
        Line,
        Field(max_length=300, description="What the report is about", examples=["Why background jobs get lost"]),
    ]
    source: Annotated[
        Line | None,
        Field(
            max_length=LONGEST_SOURCE,
            description="Text to work from, plain or Markdown: every reference is a quote of it. Null: no references",
        ),
    ] = None
    sections: Annotated[
        Annotated[int, Field(ge=MIN_SECTIONS, le=MAX_SECTIONS)]
        | Annotated[list[Heading], Field(min_length=MIN_SECTIONS, max_length=MAX_SECTIONS)],
        Field(description="How many sections, or their headings", examples=[5]),
    ] = 5
    audience: Annotated[Line, Field(max_length=200, description="Whom it is written for")] = "general readers"
    seed: Annotated[int, Field(ge=0, lt=2**31, description="Same seed and input: same offline report")] = 0


class SectionPlan(BaseModel):
    """What a section is to say, before it is written."""

    heading: str = Field(max_length=120)
    covers: str = Field(max_length=600, description="What the section covers, in one or two sentences")
    passages: list[Number] = Field(max_length=400, description="Numbers of the passages that it draws on; may be empty")


class ReportOutline(BaseModel):
    """The plan of the whole report."""

    title: str = Field(max_length=200)
    abstract: str = Field(max_length=2500)
    sections: list[SectionPlan] = Field(min_length=MIN_SECTIONS, max_length=MAX_SECTIONS)


class Quote(BaseModel):
    """Words of a passage that a statement rests on."""

    passage: Number = Field(description="The number of the passage")
    quote: str = Field(max_length=500, description="Words of that passage, copied exactly")


class Statement(BaseModel):
    """A sentence or two that rest on the same words of the source."""

    text: str = Field(max_length=1500, description="Plain text, without marks of references")
    quotes: list[Quote] = Field(max_length=4, description="What of the source it rests on; may be empty")


class Paragraph(BaseModel):
    statements: list[Statement] = Field(min_length=1, max_length=8)


class PointList(BaseModel):
    """A list under a title of its own, such as figures, or questions to answer."""

    title: str = Field(max_length=120)
    points: list[Statement] = Field(min_length=1, max_length=12)


class SectionText(BaseModel):
    """A whole section in words."""

    paragraphs: list[Paragraph] = Field(min_length=1, max_length=8)
    lists: list[PointList] = Field(max_length=3)


class Cited(BaseModel):
    text: str
    references: list[int] = Field(description="Numbers of the report's references")


class ReportList(BaseModel):
    title: str
    points: list[Cited]


class ReportSection(BaseModel):
    heading: str
    paragraphs: list[list[Cited]] = Field(description="Each a list of statements")
    lists: list[ReportList]


class Reference(BaseModel):
    """A passage of the source that the report cites."""

    number: int
    passage: int = Field(description="The passage, counted from the beginning of the source")
    under: str | None = Field(description="The heading that it stands under in the source")
    quotes: list[str] = Field(description="The words that statements rest on, as they stand in the source")


class Report(BaseModel):
    title: str
    byline: str = Field(description="Who made it")
    abstract: str
    sections: list[ReportSection]
    references: list[Reference]


class ReportResult(Report):
    provider: str
    markdown: FileRef
    docx: FileRef
    pdf: FileRef


KIND = Kind(
    name="report",
    path="/reports",
    input=ReportInput,
    result=ReportResult,
    summary="A report in sections with references to its source: JSON, Markdown, DOCX and PDF",
    make="kinds.report.pipeline:make",
    asks=lambda _: ["text"],
    time_limit=timedelta(hours=1),
)
