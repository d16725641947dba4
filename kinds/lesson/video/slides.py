"""What a lesson's video shows and says, slide by slide."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from kinds.lesson import Lesson, LessonSection, NotMade
from kinds.shared.passages import sentences

Layout: TypeAlias = Literal["title", "points", "words", "question", "answer"]

LEAD = 0.5
"""Seconds before the first word of a slide."""
TAIL = 0.7
"""Seconds after its last."""
BREATH = 0.4
"""Seconds between two sentences."""
TO_THINK = 4.0
"""Seconds after a question."""
_MAX_SIGNS = 550
"""Signs said to a slide: about half a minute."""
_SIGNS_A_SECOND = 17.5
"""Of the voice without the silence between sentences, measured on two lessons of 2,500 signs."""


@dataclass(frozen=True)
class Slide:
    """`lines` are what it shows under its heading, `said` the sentences that are spoken to it."""

    layout: Layout
    kicker: str
    """A word or two over the heading: where in the lesson we are."""
    heading: str
    lines: list[str]
    said: list[str]
    section: int | None = None
    """The section whose picture stands beside the lines, from 1."""
    pause: float = TAIL
    """Seconds of silence after the last word."""


def slides(lesson: Lesson) -> list[Slide]:
    """A title, the goals, four slides or more for each section, and a summary."""
    made = [
        Slide("title", f"For {lesson.audience}", lesson.title, [lesson.byline], sentences(_ended(lesson.title))),
        Slide("points", "Goals", "What this lesson is for", lesson.goals, _spoken(*lesson.goals)),
    ]
    for number, section in enumerate(lesson.sections, 1):
        made += _of_section(number, section, len(lesson.sections))
    made.append(Slide("words", "Summary", "In short", [lesson.summary], _spoken(lesson.summary)))
    return made


def estimate(lesson: Lesson) -> NotMade:
    """What a video of the lesson would need."""
    shown = slides(lesson)
    said = [sentence for slide in shown for sentence in slide.said]
    speech = sum(map(len, said)) / _SIGNS_A_SECOND + len(said) * BREATH
    return NotMade(
        images=sum(section.picture is not None for section in lesson.sections),
        slides=len(shown),
        speech_seconds=round(speech),
        video_seconds=round(speech + sum(LEAD + slide.pause for slide in shown)),
    )


def _of_section(number: int, section: LessonSection, count: int) -> list[Slide]:
    kicker, check = f"Part {number} of {count}", section.check
    asks, tells = "A question for you", "The answer"
    first, *rest = _runs(_spoken(section.heading, section.explanation))
    return [
        Slide("points", kicker, section.heading, section.points, first, section=number),
        *(Slide("points", kicker, section.heading, run, run) for run in rest),
        Slide("words", kicker, "An example", [section.example], _spoken(section.example)),
        Slide("question", kicker, asks, [check.question], _spoken(asks, check.question), pause=TO_THINK),
        Slide("answer", kicker, tells, [check.question, check.answer], _spoken(tells, check.answer)),
    ]


def _runs(said: list[str]) -> list[list[str]]:
    """What is said in as many runs as no slide has to stand for longer than one listens to it."""
    runs: list[list[str]] = [[]]
    for sentence in said:
        if runs[-1] and sum(map(len, [*runs[-1], sentence])) > _MAX_SIGNS:
            runs.append([])
        runs[-1].append(sentence)
    return runs


def _spoken(*texts: str) -> list[str]:
    return [sentence for text in texts for line in text.splitlines() for sentence in sentences(_ended(line))]


def _ended(text: str) -> str:
    """With a full stop, so that the voice falls."""
    words = " ".join(text.split())
    return f"{words}." if words and words[-1].isalnum() else words
