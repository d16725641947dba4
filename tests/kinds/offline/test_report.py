"""The offline composer of reports: an extract that can be checked word by word, or a plan without facts."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kinds.offline.writing import ranking
from kinds.offline.writing.report import compose_outline, compose_section
from kinds.report import Report, ReportOutline, SectionText
from kinds.report.citations import bind, found_in, with_found_quotes
from kinds.shared.passages import Passage, passages

FARM = """The tractor ploughs the field in spring. A field of wheat needs rain in April.
Farmers harvest the wheat in August with 3 tractors.

Every field rests in winter. The tractor stays in the barn then."""
SEA = """The whale swims through the cold sea. A whale eats 4 tonnes of krill a day.
Krill lives near the ice of the sea.

Whales sing to one another across the sea. A song of a whale carries 800 km."""
WORDS = st.lists(
    st.sampled_from(["queue", "worker", "Redis", "message", "lost", "42", "seconds", "the", "of"]),
    min_size=4,
    max_size=12,
)
SOURCES = st.lists(WORDS.map(lambda words: " ".join(words).capitalize() + "."), min_size=1, max_size=40)


def facts(topic: str, source: list[Passage], **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any fact
    told = {"topic": topic, "audience": "farmers", "has_source": bool(source), "sections": 3}
    return told | {"passages": [passage.model_dump() for passage in source]} | more


def composed(topic: str, source: str, *, sections: int | list[str] = 3, seed: int = 0) -> tuple[ReportOutline, Report]:
    found = passages(source)
    by_number = {passage.number: passage for passage in found}
    outline = compose_outline(facts(topic, found, sections=sections), seed)
    texts = [
        with_found_quotes(
            compose_section(
                facts(
                    topic, [by_number[number] for number in each.passages], heading=each.heading, has_source=bool(found)
                ),
                seed,
            ),
            by_number,
        )
        for each in outline.sections
    ]
    return outline, bind(outline, texts, by_number, byline="offline")


@pytest.mark.slow
@example("Queue queue 42 42.", 2)
@example("42 42 42 42.", 2)
@given(st.lists(SOURCES.map(" ".join), min_size=1, max_size=8).map("\n\n".join), st.integers(2, 12))
def test_every_statement_and_quote_stands_in_the_source(source: str, sections: int) -> None:
    outline, report = composed("lost messages", source, sections=sections)
    by_number = {passage.number: passage.text for passage in passages(source)}
    assert 2 <= len(outline.sections) <= sections
    assert [reference.number for reference in report.references] == list(range(1, len(report.references) + 1))
    for reference in report.references:
        assert reference.quotes
        assert all(quote in by_number[reference.passage] for quote in reference.quotes)
    numbered = {reference.number: by_number[reference.passage] for reference in report.references}
    stated = [statement for section in report.sections for paragraph in section.paragraphs for statement in paragraph]
    points = [point for section in report.sections for each in section.lists for point in each.points]
    cited = [statement for statement in [*stated, *points] if statement.references]
    assert cited
    assert all(statement.text in numbered[number] for statement in cited for number in statement.references)


def test_sections_begin_where_the_subject_changes() -> None:
    outline, _ = composed("nature", f"{FARM}\n\n{SEA}", sections=2)
    assert [section.passages for section in outline.sections] == [[1, 2], [3, 4]]
    assert "field" in outline.sections[0].heading.lower()
    assert "whale" in outline.sections[1].heading.lower()


def test_the_sources_own_headings_are_kept() -> None:
    outline, _ = composed("nature", f"# A farm\n\n{FARM}\n\n# The deep sea\n\n{SEA}", sections=2)
    assert [section.heading for section in outline.sections] == ["A farm", "The deep sea"]


def test_headings_asked_for_get_what_is_about_them_and_no_more() -> None:
    _, report = composed("nature", f"{FARM}\n\n{SEA}", sections=["Whales", "Wheat", "Volcanoes"])
    whales, wheat, volcanoes = report.sections
    assert "krill" in str(whales.paragraphs)
    assert "krill" not in str(wheat.paragraphs).lower()
    assert "says nothing" in volcanoes.paragraphs[0][0].text
    assert volcanoes.lists[0].points[0].references == []


def test_a_section_with_another_seed_may_be_another_and_with_the_same_is_the_same() -> None:
    source = " ".join(
        f"The worker number {number} lost {number} messages of queue {number % 7}." for number in range(60)
    )
    found = passages(source)
    asked = facts("lost messages", found, heading="Losses")
    assert compose_section(asked, 1) == compose_section(asked, 1)
    assert len({compose_section(asked, seed).model_dump_json() for seed in range(5)}) > 1


@pytest.mark.parametrize("topic", ["Remote work versus office work", "Bees", "\u9ed2\u6f6e", "???", "{0} {topic} %s"])
@pytest.mark.parametrize("sections", [2, 7, 12, ["Cost", "Colour"]])
def test_without_a_source_there_are_questions_and_no_facts(topic: str, sections: int | list[str]) -> None:
    outline, report = composed(topic, "", sections=sections)
    assert len(outline.sections) == (sections if isinstance(sections, int) else 2)
    assert len({section.heading for section in outline.sections}) == len(outline.sections)
    assert "states no facts" in report.abstract
    assert report.references == []
    assert all(
        point.text.endswith("?") for section in report.sections for each in section.lists for point in each.points
    )


def test_a_comparison_has_a_section_for_each_side() -> None:
    outline, _ = composed("Trains versus planes", "", sections=6)
    assert {"Trains", "Planes"} <= {section.heading for section in outline.sections}


def test_a_source_that_is_no_prose_is_quoted_as_it_stands() -> None:
    _, report = composed("sizes", "| a | 1 |\n| b | 2 |\n| c | 3 |", sections=2)
    assert report.references[0].quotes == ["| a | 1 |"]


def test_a_sentence_may_be_half_figures_and_a_row_of_figures_is_no_sentence() -> None:
    found = passages("In 2024, sales were 1,234,567 EUR.\n\nYear 2021 2022 2023 2024.")
    section = compose_section(facts("sales", found, heading="Sales"), 0)
    stated = [statement.text for paragraph in section.paragraphs for statement in paragraph.statements]
    assert stated == ["In 2024, sales were 1,234,567 EUR."]


def test_quotes_that_a_model_made_up_are_dropped() -> None:
    source = {1: Passage(number=1, under=None, text="It\u2019s a \u201csafe\u201d queue.")}
    quotes = [(1, 'It\'s  a "safe"'), (1, "It is safe"), (2, "It's a"), (1, " ")]
    section = SectionText.model_validate(
        {
            "paragraphs": [
                {"statements": [{"text": "Safe.", "quotes": [{"passage": n, "quote": words} for n, words in quotes]}]}
            ],
            "lists": [],
        }
    )
    kept = with_found_quotes(section, source).paragraphs[0].statements[0].quotes
    assert [(quote.passage, quote.quote) for quote in kept] == [(1, "It\u2019s a \u201csafe\u201d")]


@given(st.text(max_size=60), st.text(max_size=10))
def test_a_quote_is_given_as_it_stands_in_the_source(passage: str, quote: str) -> None:
    found = found_in(passage, quote)
    assert found is None or (found and found in passage)


@given(st.integers(1, 30), st.integers(1, 14))
def test_segments_are_all_rows_in_order(rows: int, count: int) -> None:
    matrix, _ = ranking.vectors([f"word{number // 3} other" for number in range(rows)])
    runs = ranking.segments(matrix, count)
    assert [row for run in runs for row in run] == list(range(rows))
    assert len(runs) == min(rows, count)
    assert all(runs)


@pytest.mark.slow
def test_thousands_of_lines_take_little_time_and_memory() -> None:
    """As many as a source may have. Compared each with each, they took 20 s and 930 MB; a process has its own peak."""
    script = """
from resource import RUSAGE_SELF, getrusage
from time import process_time
from kinds.shared.passages import passages
from kinds.offline.writing.lesson import compose_lesson
from kinds.offline.writing.report import compose_outline, compose_section
source = "".join(f"- Line {n} tells of {n % 97}.\\n" for n in range(8000))
told = {"topic": "Lines", "audience": "all", "passages": [each.model_dump() for each in passages(source)]}
assert len(told["passages"]) == 8000
before, began = getrusage(RUSAGE_SELF).ru_maxrss, process_time()
for sections in (5, ["Lines", "Numbers"]):
    compose_outline({**told, "sections": sections}, 1)
compose_section({**told, "heading": "Lines", "has_source": True}, 1)
compose_lesson({**told, "sections": 5, "words": 500}, 1)
print(process_time() - began, getrusage(RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)  # noqa: S603  # our own
    seconds, kilobytes = map(float, done.stdout.split())
    assert seconds < 8
    assert kilobytes < 200_000
