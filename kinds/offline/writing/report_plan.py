"""A report's plan from its topic alone: frames of sections, and the questions that each has to answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kinds.offline.writing import ranking
from kinds.report import ReportOutline, SectionPlan


@dataclass(frozen=True)
class Facet:
    """One side of a topic. `rank` says which facets a short report has; `cues` which headings ask for it."""

    rank: int
    heading: str
    cues: str
    questions: tuple[str, ...]


FACETS = (
    Facet(1, "Question and scope", "scope introduction overview question background aim purpose", (
        "What exactly is asked about {topic}, and who needs the answer?",
        "Which of {subjects} belong to it, and what is left out on purpose?",
        "Which decision will be taken with this report, and by when?")),
    Facet(7, "Terms", "term definition meaning concept glossary", (
        "How are {subjects} defined here, and by whom?",
        "Which words do readers use differently, and which use is followed?")),
    Facet(2, "Where things stand", "state status today current situation history context market landscape", (
        "What is known of {topic} today, from which sources, and how old are they?",
        "How did it come to this: which dates and turning points matter?",
        "Which figures describe the present state, and who measured them?")),
    Facet(9, "Who is concerned", "stakeholder people user customer audience role", (
        "Who gains and who loses by {topic}?",
        "Who decides, who pays and who carries the work?",
        "Whose view is missing so far, and how can it be heard?")),
    Facet(3, "How it works", "method mechanism process architecture design technology", (
        "What are the parts of {topic}, and how do they act on one another?",
        "What causes what, and how is that known?",
        "Where does it break, and what happens then?")),
    Facet(8, "Evidence", "evidence data figure result finding measure study research number", (
        "Which measurements speak for each claim about {subjects}, and which against?",
        "How were they made, and would another method find the same?",
        "What would change the conclusion?")),
    Facet(5, "Choices", "option alternative choice comparison versus compare solution approach", (
        "Which ways are open, doing nothing included?",
        "By which criteria are they compared, and what does each criterion weigh?",
        "What does each cost, bring and rule out?")),
    Facet(6, "Cost and effort", "cost price budget effort resource money economic", (
        "What does it cost once, and what for every month after?",
        "Whose time does it take, and what is not done meanwhile?")),
    Facet(4, "Risks", "risk problem challenge failure danger limit threat security issue", (
        "What can go wrong with {topic}, how likely is it and how bad?",
        "What would be the first sign of it, and who would see it?",
        "What is done beforehand, and what afterwards?")),
    Facet(11, "Rules and duties", "law legal rule regulation policy compliance ethic privacy standard", (
        "Which laws, standards and promises apply?",
        "Who has to agree, and what has to be kept on record?")),
    Facet(12, "Outlook", "future outlook trend next forecast development", (
        "What is likely to change about {subjects} within a year, and within five?",
        "Which sign would say that it has begun?")),
    Facet(10, "What to do", "recommendation conclusion action summary plan decision lesson", (
        "What follows from the answers above, in one sentence?",
        "Who does what first, by when, and how is it seen to have worked?",
        "Which question stays open, and what would answer it?")),
)  # fmt: skip
"""In the order of a report."""

_ANY = (
    "What belongs under \u201c{heading}\u201d, and what does not?",
    "What is known of it with regard to {topic}, and from which source?",
    "Which figures, examples or voices would show it best?",
    "What do readers have to decide or do because of it?",
)
_RIVALS = re.compile(r"(.+?)\s+(?:vs\.?|versus|or|compared (?:to|with))\s+(.+)", re.IGNORECASE)


def plan(topic: str, *, audience: str, count: int, headings: Sequence[str]) -> ReportOutline:
    """`count` sections, or those of `headings`, each with what it has to cover. States nothing about the topic."""
    chosen = list(headings) or _headings(topic, count)
    sections = [SectionPlan(heading=each[:120], covers=questions(topic, each)[0][:600], passages=[]) for each in chosen]
    title = " ".join(topic.split()).rstrip(".")
    abstract = (
        f"This is the plan of a report on the topic \u201c{topic}\u201d, written for {audience}. No source was given"
        " and no model was asked, so it states no facts: each of its"
        f" {len(sections)} sections lists the questions to answer before it can be written."
        " Send the same request with a source text, and the sections will be filled from it."
    )
    return ReportOutline(title=(title[:1].upper() + title[1:])[:200], abstract=abstract, sections=sections)


def questions(topic: str, heading: str) -> list[str]:
    """What a section under that heading has to answer, in the topic's own words."""
    facet = _facet(heading)
    subjects = ranking.subjects(topic, 3) or [topic]
    named = " and ".join(filter(None, [", ".join(subjects[:-1]), subjects[-1]]))
    templates = facet.questions if facet else _ANY
    return [template.format(topic=_quoted(topic), subjects=named, heading=heading) for template in templates]


def _headings(topic: str, count: int) -> list[str]:
    """The frame's headings that matter most, in the frame's order; two that are compared have one each."""
    rivals = _RIVALS.fullmatch(topic.strip().rstrip("?."))
    named = [side.strip()[:1].upper() + side.strip()[1:] for side in rivals.groups()] if rivals and count > 3 else []
    kept = sorted(facet.rank for facet in FACETS)[: count - len(named)]
    headings = [facet.heading for facet in FACETS if facet.rank in kept]
    return [*headings[:2], *(side[:120] for side in named), *headings[2:]]


def _facet(heading: str) -> Facet | None:
    """The facet that the heading is of, or has most cues of; None when it has none."""
    mentioned = set(ranking.terms(heading)) | {word.lower() for word in ranking.words(heading)}
    for facet in FACETS:
        if facet.heading == heading:
            return facet
    best = max(FACETS, key=lambda facet: len(mentioned & set(facet.cues.split())))
    return best if mentioned & set(best.cues.split()) else None


def _quoted(topic: str) -> str:
    return f"\u201c{topic.strip().rstrip('.')}\u201d"
