"""The offline composer of lessons: with a source, an extract of it to learn from; without one, a plan to find out.

It copies sentences, counts words and blanks them out. It adds no fact, and says so.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinds.lesson import Check, LessonPicture, LessonPlan, LessonSection, QuizItem
from kinds.offline.drawing.catalogue import ENTRIES, Home
from kinds.offline.drawing.naming import singular
from kinds.offline.seeding import dice
from kinds.offline.writing import ranking
from kinds.offline.writing.lesson_plan import plan_lesson
from kinds.offline.writing.report import compose_outline, readable
from kinds.offline.writing.wording import sentence_case
from kinds.report import SectionPlan
from kinds.shared.passages import sentences
from kinds.story import Scene

GAP = "____"
_ASKS = "What is missing here? "
_LONGEST_POINT = 110
_LONGEST_GAPPED = 220
_MAX_QUESTIONS = 5
_CHOICES = 3
_ENOUGH = 4
"""Sentences of a part of which one can be spared as an example."""
_EXAMPLE = re.compile(r"\b(?:for example|for instance|such as|e\.g\.|imagine|suppose)\b", re.IGNORECASE)
_FIGURE = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\w-])")


def compose_lesson(facts: Mapping[str, Any], seed: int) -> LessonPlan:
    """A lesson of about as many words and sections as the facts ask for; shorter when the source is."""
    topic, passages = str(facts["topic"]), list(facts["passages"])
    parts = _parts(compose_outline(facts, seed).sections, passages) if passages else []
    if not parts:
        return plan_lesson(topic, audience=str(facts["audience"]), count=int(facts["sections"]), empty=bool(passages))
    words_each = max(25, int(facts["words"]) // (len(parts) + 1))
    taught = [_taught(part, topic, words=words_each) for part in parts]
    in_sections = {section.check.question.removeprefix(_ASKS) for section, _ in taught}
    return LessonPlan(
        title=sentence_case(" ".join(topic.split()).rstrip("."))[:200],
        goals=[_goal(part) for part in parts][:6],
        sections=[section for section, _ in taught],
        summary=" ".join(["In short, in the words of the source:", *(best for _, best in taught)])[:2000],
        quiz=_quiz(parts, topic, left_out=in_sections, seed=seed),
    )


@dataclass(frozen=True)
class _Part:
    """What the source says under one heading."""

    heading: str
    found: list[str]
    subjects: list[str]

    @property
    def text(self) -> str:
        return " ".join(self.found)


def _parts(planned: Sequence[SectionPlan], passages: Sequence[Mapping[str, Any]]) -> list[_Part]:
    """Those sections of the outline that have sentences to teach."""
    texts = {passage["number"]: str(passage["text"]) for passage in passages}
    parts: list[_Part] = []
    for section in planned:
        found = [each for number in section.passages for each in sentences(texts[number]) if readable(each)]
        if found:
            parts.append(_Part(section.heading, found, ranking.subjects(" ".join(found), 8)))
    return parts


def _taught(part: _Part, topic: str, *, words: int) -> tuple[LessonSection, str]:
    """The section, and the one sentence of it that matters most."""
    example = _example(part.found)
    left = ranking.sampled([sentence for sentence in part.found if sentence != example])
    rows, towards = ranking.vectors(left, like=[topic, part.heading])
    scores = ranking.rank(rows, towards)
    chosen = ranking.choose(rows, scores, max(2, words * len(left) // max(1, len(part.text.split()))))
    best_first = sorted(chosen, key=lambda at: -scores[at])
    section = LessonSection(
        heading=part.heading,
        explanation=_cut(" ".join(left[at] for at in chosen), 4000),
        points=[_cut(left[at], _LONGEST_POINT) for at in sorted(best_first[:3])],
        example=_cut(example, 1500) if example else "The source gives no example of its own here. Look for one.",
        check=_check(part, [left[at] for at in best_first], topic),
        picture=_picture(part, topic),
    )
    return section, left[best_first[0]]


def _example(found: Sequence[str]) -> str | None:
    """A sentence that says it is one, else one with a figure; None where too little would be left without it."""
    examples = (sentence for says in (_EXAMPLE, _FIGURE) for sentence in found[1:] if says.search(sentence))
    return next(examples, None) if len(found) >= _ENOUGH else None


def _check(part: _Part, best_first: Sequence[str], topic: str) -> Check:
    for sentence in best_first:
        gap = _gap(sentence, part, topic)
        if gap:
            return Check(question=_ASKS + gap.question, answer=gap.answer)
    question = f"What does the source say under \u201c{part.heading}\u201d, in your own words?"
    return Check(question=question, answer=_cut(best_first[0], 500))


def _quiz(parts: Sequence[_Part], topic: str, *, left_out: Collection[str], seed: int) -> list[QuizItem]:
    """Gaps to fill, in turn from every part, with what else the source speaks of to choose from."""
    luck = dice("quiz", seed, *(part.heading for part in parts))
    gaps = [[gap for sentence in part.found if (gap := _gap(sentence, part, topic))] for part in parts]
    turns = [each[at] for at in range(max(map(len, gaps))) for each in gaps if at < len(each)]
    figures = list(dict.fromkeys(gap.answer for gap in turns if gap.is_figure))
    subjects = list(dict.fromkeys(subject for part in parts for subject in part.subjects[:5]))
    fresh = [gap for gap in turns if gap.question not in left_out] or turns
    items: list[QuizItem] = []
    for gap in fresh[:_MAX_QUESTIONS]:
        others = [other for other in (figures if gap.is_figure else subjects) if _could_be(other, gap)]
        choices = [gap.answer, *luck.sample(others, min(_CHOICES - 1, len(others)))]
        luck.shuffle(choices)
        items.append(QuizItem(question=gap.question, choices=choices if len(choices) > 1 else [], answer=gap.answer))
    headings = _cut(", ".join(part.heading for part in parts), 500)
    return items or [QuizItem(question="What are the parts of this lesson?", choices=[], answer=headings)]


@dataclass(frozen=True)
class _Gap:
    question: str
    answer: str
    is_figure: bool


def _could_be(other: str, gap: _Gap) -> bool:
    """A wrong answer that is not seen to be wrong at once: neither the right one nor in the question."""
    terms = set(ranking.terms(other)) or {other}
    return not terms & {*ranking.terms(gap.answer), gap.answer, *ranking.terms(gap.question)}


def _gap(sentence: str, part: _Part, topic: str) -> _Gap | None:
    """The sentence with a figure, or what its part speaks of most, left out. The topic itself is no question."""
    if len(sentence) > _LONGEST_GAPPED:
        return None
    figure = _FIGURE.search(sentence)
    if figure:
        return _Gap(f"{sentence[: figure.start()]}{GAP}{sentence[figure.end() :]}", figure[0], is_figure=True)
    given = {*ranking.terms(topic), *ranking.terms(part.heading)}
    for subject in part.subjects:
        whole = re.compile(rf"\b{re.escape(subject)}\b", re.IGNORECASE)
        if not given & set(ranking.terms(subject)) and whole.search(sentence):
            return _Gap(whole.sub(GAP, sentence), subject, is_figure=False)
    return None


def _goal(part: _Part) -> str:
    subjects = [each for each in part.subjects if each.lower() not in part.heading.lower()][:3]
    about = f": {', '.join(subjects)}" if subjects else ""
    return f"Tell in your own words what the source says under \u201c{part.heading}\u201d{about}."


def _picture(part: _Part, topic: str) -> LessonPicture | None:
    """What the part speaks of most, if the illustrator draws just that and nothing that merely goes by the name."""
    phrases = [*ranking.subjects(part.heading, 3), *part.subjects[:4], *ranking.subjects(topic, 3)]
    terms = [term for words in phrases for term in ranking.terms(words)]
    drawable = list(dict.fromkeys(term for term in terms if singular(term) == term))[:2]
    if not drawable:
        return None
    at_sea = ENTRIES[drawable[0]].home is Home.WATER
    scene = Scene(setting="sea" if at_sea else part.text[:400], time_of_day="day", weather="clear", subjects=drawable)
    return LessonPicture(picture=f"{part.heading}: {' and '.join(drawable)}.", scene=scene)


def _cut(text: str, longest: int) -> str:
    """No longer than that; cut between words, and then it shows."""
    return text if len(text) <= longest else text[: longest - 1].rpartition(" ")[0].rstrip(",;:") + " \u2026"
