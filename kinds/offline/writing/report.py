"""The offline composer of reports: with a source, an extract of it; without one, a plan of what to find out.

It copies sentences and counts words. It adds no fact, and says so.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from kinds.offline.seeding import dice
from kinds.offline.writing import ranking
from kinds.offline.writing.report_plan import plan, questions
from kinds.offline.writing.wording import sentence_case
from kinds.report import Paragraph, PointList, Quote, ReportOutline, SectionPlan, SectionText, Statement
from kinds.shared.passages import sentences

LONGEST_QUOTE = 120
"""Characters of a reference's quote: enough to find the place by."""

_IN_PARAGRAPH = 3
_IN_SECTION = 9
_FIGURES = 6
_SCRAP = 200
"""Characters that are too few for a section."""
_FIGURE = re.compile(r"(?<![\w.])\d[\d.,]*(?:\s?(?:%|[^\W\d_]{1,3}\b))?")
_NEAR = 0.05
"""Cosine with a heading below which a passage is not about it."""


def compose_outline(facts: Mapping[str, Any], _seed: int) -> ReportOutline:
    """The report's plan: parts of the source where its subject changes, or a frame for a topic without a source."""
    topic, wanted = str(facts["topic"]), cast("int | list[str]", facts["sections"])
    headings, count = ([], wanted) if isinstance(wanted, int) else (wanted, len(wanted))
    passages: list[Mapping[str, Any]] = list(facts["passages"])
    if not passages:
        return plan(topic, audience=str(facts["audience"]), count=count, headings=headings)
    planned = _under_headings(headings, passages) if headings else _by_subject(passages, count)
    return ReportOutline(title=_title(topic), abstract=_abstract(topic, passages), sections=planned)


def compose_section(facts: Mapping[str, Any], seed: int) -> SectionText:
    """The sentences of the section's passages that matter most, in their order, and the figures left among the rest."""
    heading, passages = str(facts["heading"]), list(facts["passages"])
    found = ranking.sampled(
        [_Sentence(sentence, passage["number"]) for passage in passages for sentence in _prose(passage["text"])]
    )
    if not found:
        return _without_words(str(facts["topic"]), heading, has_source=bool(facts["has_source"]), passages=passages)
    about = [str(facts["topic"]), heading]
    rows, towards = ranking.vectors([sentence.text for sentence in found], like=about)
    # Chance decides only between sentences that are nearly as good: another seed is another choice.
    luck = dice("section", seed, *about)
    scores = ranking.rank(rows, towards) * [1 + 0.2 * luck.random() for _ in found]
    chosen = ranking.choose(rows, scores, _IN_SECTION)
    rest = [found[index] for index in range(len(found)) if index not in set(chosen)]
    figures = [sentence for sentence in rest if _FIGURE.search(sentence.text)][:_FIGURES]
    lists = [PointList(title="Further figures", points=[sentence.stated() for sentence in figures])] if figures else []
    return SectionText(paragraphs=_paragraphs([found[index] for index in chosen]), lists=lists)


class _Sentence:
    """A sentence of the source, and where it stands."""

    def __init__(self, text: str, passage: int) -> None:
        self.text = text
        self.passage = passage

    def stated(self) -> Statement:
        """As a statement that rests on its own first words."""
        quote = self.text
        if len(quote) > LONGEST_QUOTE:
            quote = quote[: LONGEST_QUOTE + 1].rpartition(" ")[0] or quote[:LONGEST_QUOTE]
        return Statement(text=self.text, quotes=[Quote(passage=self.passage, quote=quote)])


def _prose(text: str) -> list[str]:
    """Sentences that can be read by themselves: no rows of tables, no code, no scraps."""
    return [sentence for sentence in sentences(text) if readable(sentence)]


def readable(sentence: str) -> bool:
    """Whether it reads as prose: figures may stand in it, but at least half of it is words."""
    signs = sum(sign.isalnum() or sign.isspace() for sign in sentence)
    parts = sentence.split()
    worded = sum(any(sign.isalpha() for sign in part) for part in parts)
    return len(parts) >= 4 and 2 * worded >= len(parts) and signs >= 0.75 * len(sentence) and "|" not in sentence


def _paragraphs(chosen: Sequence[_Sentence]) -> list[Paragraph]:
    """Of sentences that stand near one another in the source, a few each."""
    paragraphs: list[list[_Sentence]] = []
    for sentence in chosen:
        near = paragraphs and sentence.passage - paragraphs[-1][-1].passage <= 2
        if near and len(paragraphs[-1]) < _IN_PARAGRAPH:
            paragraphs[-1].append(sentence)
        else:
            paragraphs.append([sentence])
    while len(paragraphs) > 8:
        shortest = min(range(1, len(paragraphs)), key=lambda at: len(paragraphs[at - 1]) + len(paragraphs[at]))
        paragraphs[shortest - 1 : shortest + 1] = [paragraphs[shortest - 1] + paragraphs[shortest]]
    return [Paragraph(statements=[sentence.stated() for sentence in each]) for each in paragraphs]


def _by_subject(passages: Sequence[Mapping[str, Any]], count: int) -> list[SectionPlan]:
    """`count` parts in reading order. Where the source has enough headings, no part cuts through one of its own."""
    groups = _under_own_headings(passages)
    if len(groups) < count:
        groups = [[passage] for passage in passages]
    groups = ranking.merged(groups)
    rows, _ = ranking.vectors([_text(group) for group in groups])
    parts = [[passage for at in run for passage in groups[at]] for run in ranking.segments(rows, count)]
    planned: list[SectionPlan] = []
    for part in parts:
        heading = _heading(part, passages, taken={section.heading for section in planned})
        planned.append(_planned(heading, part))
    while len(planned) < 2:
        planned.append(_planned("What the source leaves open", []))
    return planned


def _under_own_headings(passages: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Passages by the source's headings. A line or two before the next heading go with what follows."""
    groups: list[list[Mapping[str, Any]]] = []
    for passage in passages:
        if groups and (groups[-1][-1]["under"] == passage["under"] or len(_text(groups[-1])) < _SCRAP):
            groups[-1].append(passage)
        else:
            groups.append([passage])
    return groups


def _under_headings(headings: Sequence[str], passages: Sequence[Mapping[str, Any]]) -> list[SectionPlan]:
    """Each passage under the heading that is nearest; those that are about none are left out."""
    groups = ranking.merged([[passage] for passage in passages])
    rows, towards = ranking.vectors(
        [" ".join(f"{passage['under'] or ''} {passage['text']}" for passage in group) for group in groups],
        like=headings,
    )
    near = rows @ towards.T
    best = near.argmax(axis=1)
    return [
        _planned(heading, [p for at in np.flatnonzero((best == place) & (near[:, place] > _NEAR)) for p in groups[at]])
        for place, heading in enumerate(headings)
    ]


def _planned(heading: str, part: Sequence[Mapping[str, Any]]) -> SectionPlan:
    if not part:
        return SectionPlan(heading=heading, covers="The source has nothing on this.", passages=[])
    subjects = ranking.subjects(_text(part), 4, without=heading)
    covers = f"What the source says of {_listed(subjects)}." if subjects else "What the source says here."
    return SectionPlan(heading=heading, covers=covers[:600], passages=[passage["number"] for passage in part][:400])


def _heading(part: Sequence[Mapping[str, Any]], whole: Sequence[Mapping[str, Any]], *, taken: set[str]) -> str:
    """The source's own heading over most of the part; else what the part speaks of more than the rest does."""
    lengths: dict[str, int] = {}
    for passage in part:
        if passage["under"]:
            lengths[passage["under"]] = lengths.get(passage["under"], 0) + len(passage["text"])
    own = max(lengths, key=lambda heading: lengths[heading], default="")
    if own and own not in taken and len({passage["under"] for passage in whole}) > 1:
        return own[:120]
    inside = {passage["number"] for passage in part}
    rest = [passage for passage in whole if passage["number"] not in inside]
    common = " ".join(ranking.subjects(_text(rest), 2))
    subjects = ranking.subjects(_text(part), 2, without=common) or ["this part"]
    named = sentence_case(" and ".join(subjects))[:110]
    return named if named not in taken else f"{named} ({len(taken) + 1})"


def _abstract(topic: str, passages: Sequence[Mapping[str, Any]]) -> str:
    found = [sentence for passage in passages for sentence in _prose(passage["text"]) if len(sentence) <= 350]
    subjects = _listed(ranking.subjects(_text(passages), 5))
    abstract = f"This report gathers what one source of {len(passages)} passages says on the topic \u201c{topic}\u201d."
    abstract += f" It speaks most of {subjects}." if subjects else ""
    if found:
        found = ranking.sampled(found)
        rows, towards = ranking.vectors(found, like=[topic])
        chosen = ranking.choose(rows, ranking.rank(rows, towards), 3)
        abstract += " In its own words: " + " ".join(f"\u201c{found[index]}\u201d" for index in chosen)
    return abstract + " Every statement with a reference is the source\u2019s own; no fact was added."


def _without_words(topic: str, heading: str, *, has_source: bool, passages: Sequence[Mapping[str, Any]]) -> SectionText:
    if passages:
        note = "The source has no whole sentences here; its passages are quoted as they stand."
        rows = [_Sentence(passage["text"], passage["number"]).stated() for passage in passages[:12]]
        return SectionText(paragraphs=[_saying(note)], lists=[PointList(title="In the source", points=rows)])
    note = "The source says nothing under this heading." if has_source else "This section is yet to be written."
    points = [Statement(text=question, quotes=[]) for question in questions(topic, heading)]
    return SectionText(
        paragraphs=[_saying(f"{note} These questions would fill it.")],
        lists=[PointList(title="Questions to answer", points=points)],
    )


def _saying(text: str) -> Paragraph:
    return Paragraph(statements=[Statement(text=text, quotes=[])])


def _text(part: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(passage["text"] for passage in part)


def _title(topic: str) -> str:
    return sentence_case(" ".join(topic.split()).rstrip(".")[:200])


def _listed(items: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))
