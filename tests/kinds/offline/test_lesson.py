"""The offline composer of lessons: an extract that can be checked word by word, or a plan without facts."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kinds.lesson import LessonPlan
from kinds.offline.writing.lesson import GAP, compose_lesson
from kinds.shared.passages import passages

WHALES = """# Breathing

Whales breathe air through a blowhole. A sperm whale stays under water for 60 minutes. The muscles of a whale hold
oxygen. For example, a hunting whale dives to 1,000 metres. Light never reaches that far.

# Food

Baleen whales filter krill from the water. A blue whale eats 4 tonnes of krill a day. Toothed whales catch squid.
They hear the echo of their clicks."""
WORDS = st.lists(
    st.sampled_from(["queue", "worker", "Redis", "message", "lost", "42", "3.5", "seconds", "the", "of", "A*"]),
    min_size=4,
    max_size=12,
)
SOURCES = st.lists(WORDS.map(lambda words: " ".join(words).capitalize() + "."), min_size=1, max_size=30)


def composed(topic: str, source: str, *, sections: int = 2, words: int = 290, seed: int = 0) -> LessonPlan:
    found = [passage.model_dump() for passage in passages(source)]
    facts = {"topic": topic, "audience": "children", "sections": sections, "words": words, "passages": found}
    return compose_lesson(facts, seed)


def test_a_source_becomes_a_lesson_in_its_own_words() -> None:
    lesson = composed("How whales live", WHALES)
    assert [section.heading for section in lesson.sections] == ["Breathing", "Food"]
    breathing, food = lesson.sections
    assert breathing.example == "For example, a hunting whale dives to 1,000 metres."
    assert breathing.example not in breathing.explanation
    assert "krill" in food.explanation
    assert all(point in breathing.explanation for point in breathing.points)
    assert [section.picture.scene.subjects for section in lesson.sections if section.picture] == [["whale"], ["whale"]]


@pytest.mark.slow
@example("Queue queue 42 42.", 2, 1)
@given(st.lists(SOURCES.map(" ".join), min_size=1, max_size=6).map("\n\n".join), st.integers(2, 8), st.integers(1, 10))
def test_every_gap_is_filled_by_its_answer_and_only_by_it(source: str, sections: int, minutes: int) -> None:
    """Filled in, a question is a sentence of the source again; and the wrong choices make another sentence."""
    lesson = composed("lost messages", source, sections=sections, words=minutes * 145)
    text = " ".join(passage.text for passage in passages(source)).lower()
    for item in [item for item in lesson.quiz if GAP in item.question]:
        assert item.question.replace(GAP, item.answer).lower() in text
        assert item.choices.count(item.answer) == (1 if item.choices else 0)
        assert len({choice.lower() for choice in item.choices}) == len(item.choices)
    if "states no facts" in lesson.summary:
        return  # nothing in the source is a sentence
    for section in lesson.sections:
        assert all(point.removesuffix(" \u2026").lower() in text for point in section.points)


def test_the_same_seed_is_the_same_lesson() -> None:
    assert composed("Whales", WHALES, seed=3) == composed("Whales", WHALES, seed=3)


@pytest.mark.parametrize(
    "topic", ["Bees", "How background jobs get lost", "\u9ed2\u6f6e", "???", "{0} {topic} %s", "x" * 300]
)
@pytest.mark.parametrize("sections", [2, 5, 8])
def test_without_a_source_there_are_ways_to_find_out_and_no_facts(topic: str, sections: int) -> None:
    lesson = composed(topic, "", sections=sections)
    assert len({section.heading for section in lesson.sections}) == sections
    assert "states no facts" in lesson.summary
    assert "No source" in lesson.summary or "no source" in lesson.summary
    assert all(item.question.endswith("?") and not item.choices for item in lesson.quiz)


def test_a_source_without_sentences_is_said_to_be_one() -> None:
    assert "has no sentences" in composed("Sizes", "| a | 1 |\n| b | 2 |").summary


def _letters(count: int) -> list[str]:
    return [f"{chr(97 + n) * 4}ow" for n in range(count)]


def test_a_longer_lesson_has_more_of_the_source() -> None:
    source = " ".join(f"The {noun} of {place} needs {noun}ing." for noun in _letters(12) for place in _letters(9))
    short, long = (composed("Queues", source, words=words) for words in (145, 1450))
    assert sum(len(section.explanation) for section in long.sections) > 3 * sum(
        len(section.explanation) for section in short.sections
    )
