"""A lesson as Markdown and HTML: all of it, and nothing in it read as markup."""

import re

from kinds.lesson import Lesson
from kinds.lesson.html import render_lesson_html
from kinds.lesson.markdown import render_lesson_markdown

HOSTILE = '<script>alert("x")</script> *bold* {title} [link](javascript:x) 1. \u0000'


def lesson(words: str) -> Lesson:
    return Lesson.model_validate(
        {
            "title": words,
            "byline": "Composed offline by Headrace, without AI",
            "audience": words,
            "goals": [words],
            "sections": [
                {
                    "heading": words,
                    "explanation": f"{words}\nSecond paragraph.",
                    "points": [words],
                    "example": words,
                    "check": {"question": words, "answer": "The check's answer"},
                    "picture": None,
                }
            ],
            "summary": words,
            "quiz": [{"question": words, "choices": ["Right", words], "answer": "Right"}],
        }
    )


def test_markdown_has_the_answers_after_all_questions() -> None:
    text = render_lesson_markdown(lesson("Whales")).decode()
    questions, _, answers = text.partition("## Answers")
    assert "The check's answer" not in questions
    assert "- Check 1: The check's answer" in answers
    assert "- Quiz 1: Right" in answers
    assert "Second paragraph." in questions


def test_nothing_in_markdown_is_markup() -> None:
    text = render_lesson_markdown(lesson(HOSTILE)).decode()
    assert "<script" not in text.replace("\\<", "")
    assert "](" not in text.replace("\\]", "")


def test_nothing_in_html_is_markup() -> None:
    text = render_lesson_html(lesson(HOSTILE)).decode()
    assert "<script" not in text
    assert "{title}" in text
    assert len(re.findall("<details>", text)) == 2
