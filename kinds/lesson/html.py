"""A lesson as one HTML file that needs nothing else; an answer shows when it is asked for, and on paper never."""

import html

from kinds.lesson import Lesson, LessonSection, QuizItem
from kinds.shared.printable import printable


def render_lesson_html(lesson: Lesson) -> bytes:
    """UTF-8, every word escaped."""
    sections = "".join(_section(number, section) for number, section in enumerate(lesson.sections, 1))
    return _TEMPLATE.format(
        style=_STYLE,
        title=_text(lesson.title),
        byline=_text(f"For {lesson.audience}. {lesson.byline}"),
        goals=_items(lesson.goals),
        sections=sections,
        summary=_text(lesson.summary),
        quiz="".join(f"<li>{_quiz_item(item)}</li>\n" for item in lesson.quiz),
    ).encode("utf-8", "replace")


def _section(number: int, section: LessonSection) -> str:
    paragraphs = "".join(
        f'<p dir="auto">{_text(each)}</p>\n' for each in section.explanation.splitlines() if each.strip()
    )
    return (
        f'<section>\n<h2 dir="auto">{number}. {_text(section.heading)}</h2>\n{paragraphs}'
        f'<aside class="points"><h3>To keep in mind</h3><ul>{_items(section.points)}</ul></aside>\n'
        f'<aside class="example" dir="auto"><strong>Example.</strong> {_text(section.example)}</aside>\n'
        f'<div class="check" dir="auto"><strong>Check.</strong> {_text(section.check.question)}'
        f"{_answer(section.check.answer)}</div>\n</section>\n"
    )


def _quiz_item(item: QuizItem) -> str:
    choices = f'<ol type="a">{_items(item.choices)}</ol>' if item.choices else ""
    return f'<span dir="auto">{_text(item.question)}</span>{choices}{_answer(item.answer)}'


def _answer(answer: str) -> str:
    return f'<details><summary>Answer</summary><p dir="auto">{_text(answer)}</p></details>'


def _items(items: list[str]) -> str:
    return "".join(f'<li dir="auto">{_text(item)}</li>' for item in items)


def _text(words: str) -> str:
    return html.escape(printable(words))


_STYLE = """
:root { color-scheme: light; --ink: #1f2a44; --soft: #5f6673; --paper: #ffffff; --tint: #eef3fb; --warm: #fdf4e3;
  --line: #3f6fb5; }
* { box-sizing: border-box; }
body { margin: 0; background: #e9eef6; color: var(--ink);
  font: 1.1rem/1.6 Georgia, "Iowan Old Style", "Times New Roman", serif; overflow-wrap: anywhere; }
main { max-width: 46rem; margin: 0 auto; padding: clamp(1.2rem, 5vw, 3.5rem); background: var(--paper); }
h1 { font-size: clamp(1.8rem, 5vw, 2.6rem); line-height: 1.15; margin: 0 0 0.4rem; }
h2 { font-size: 1.45rem; line-height: 1.25; margin: 2.4rem 0 0.6rem; }
h3 { font-size: 1rem; margin: 0 0 0.3rem; }
.byline { color: var(--soft); font-style: italic; margin: 0 0 1.6rem; }
aside, .check { border-left: 4px solid var(--line); background: var(--tint); padding: 0.8rem 1.1rem; margin: 1rem 0; }
.example { border-color: #d99a2b; background: var(--warm); }
.check { border-color: #4d8f5b; background: #eef7ef; }
ul, ol { margin: 0.3rem 0; padding-left: 1.5rem; }
.quiz > li { margin: 0 0 1rem; }
summary { cursor: pointer; color: var(--soft); }
details p { margin: 0.3rem 0; }
@media print { body { background: none; } main { padding: 0; max-width: none; } details { display: none; }
  section, .quiz > li { break-inside: avoid; } }
"""

_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<header><h1 dir="auto">{title}</h1><p class="byline" dir="auto">{byline}</p></header>
<aside><h3>Goals</h3><ul>{goals}</ul></aside>
{sections}<section><h2>Summary</h2><p dir="auto">{summary}</p></section>
<section><h2>Quiz</h2><ol class="quiz">
{quiz}</ol></section>
</main>
</body>
</html>
"""
