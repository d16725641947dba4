"""A lesson as Markdown; answers stand at the end, where a reader does not see them too soon."""

from kinds.lesson import Lesson, LessonSection
from kinds.shared.markdown_text import markdown_text as _text


def render_lesson_markdown(lesson: Lesson) -> bytes:
    """UTF-8. Whatever the words are, they are text: nothing in them is read as markup."""
    parts = [
        f"# {_text(lesson.title)}",
        f"*For {_text(lesson.audience)}. {_text(lesson.byline)}*",
        "## Goals",
        _list(lesson.goals),
    ]
    for number, section in enumerate(lesson.sections, 1):
        parts += _section(number, section)
    parts += ["## Summary", _text(lesson.summary), "## Quiz"]
    for number, item in enumerate(lesson.quiz, 1):
        choices = "".join(f"\n   - {_text(choice)}" for choice in item.choices)
        parts.append(f"{number}. {_text(item.question)}{choices}")
    checks = [f"- Check {number}: {_text(section.check.answer)}" for number, section in enumerate(lesson.sections, 1)]
    quiz = [f"- Quiz {number}: {_text(item.answer)}" for number, item in enumerate(lesson.quiz, 1)]
    parts += ["## Answers", "\n".join([*checks, *quiz])]
    return ("\n\n".join(parts) + "\n").encode()


def _section(number: int, section: LessonSection) -> list[str]:
    return [
        f"## {number}. {_text(section.heading)}",
        *(_text(paragraph) for paragraph in section.explanation.splitlines() if paragraph.strip()),
        "**To keep in mind**",
        _list(section.points),
        f"> **Example.** {_text(section.example)}",
        f"**Check {number}.** {_text(section.check.question)}",
    ]


def _list(items: list[str]) -> str:
    return "\n".join(f"- {_text(item)}" for item in items)
