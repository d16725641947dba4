"""A source in passages and sentences: nothing is lost, nothing is added."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.report import LONGEST_SOURCE
from kinds.shared.passages import LONGEST, passages, sentences

MARKDOWN = """# 1. Queues

A queue *holds* **messages**. It loses
none, see [the docs](https://example.org/a).

- Redis + AOF keeps them.
- An item of two
  lines.

## Limits

> Quoted words.

| size | time |
|------|------|
| 1 MB | 3 s |
"""
TEXT = st.text(st.sampled_from("aBc d.e! ?\n\n-#|>1\u00e9\u4e2d\u3002\u201d"), max_size=400)


def test_markdown_becomes_plain_passages_under_their_headings() -> None:
    found = [(passage.number, passage.under, passage.text) for passage in passages(MARKDOWN)]
    assert found == [
        (1, "Queues", "A queue *holds* messages. It loses none, see the docs."),
        (2, "Queues", "Redis + AOF keeps them."),
        (3, "Queues", "An item of two lines."),
        (4, "Limits", "Quoted words."),
        (5, "Limits", "| size | time |"),
        (6, "Limits", "| 1 MB | 3 s |"),
    ]


def test_code_is_no_passage() -> None:
    source = "Run the tests:\n\n```sh\nmake test  # all of them\n```\n\nThey take a while."
    assert [passage.text for passage in passages(source)] == ["Run the tests:", "They take a while."]


def test_a_sentence_does_not_end_within_a_name_or_a_number() -> None:
    text = 'Dr. A. Smith waited 1.5 s, e.g. for No. 7. "Was it lost?" Nobody knew. It took 60 s. Then it ended.'
    assert sentences(text) == [
        "Dr. A. Smith waited 1.5 s, e.g. for No. 7.",
        '"Was it lost?"',
        "Nobody knew.",
        "It took 60 s.",
        "Then it ended.",
    ]


@given(TEXT)
def test_sentences_are_all_of_the_text(text: str) -> None:
    assert " ".join(sentences(text)).split() == text.split()


@given(TEXT, st.integers(1, 40))
def test_passages_stand_in_the_source_in_order(text: str, times: int) -> None:
    """Each within the longest, without a sign that was not there."""
    source = text * times
    found = passages(source)
    assert [passage.number for passage in found] == list(range(1, len(found) + 1))
    assert all(0 < len(passage.text) <= LONGEST for passage in found)
    left = "".join(source.split())
    for passage in found:
        words = "".join(passage.text.replace(">", "").split())
        assert words in left.replace(">", "")


def test_a_word_without_end_is_cut() -> None:
    assert "".join(passage.text for passage in passages("x" * 5000)) == "x" * 5000


def test_controls_are_no_part_of_a_passage() -> None:
    assert [passage.text for passage in passages("one\x00two\x0cthree \ud800four")] == ["one two three four"]


@pytest.mark.parametrize(
    "source",
    [
        "[" * LONGEST_SOURCE,
        "![a](" * (LONGEST_SOURCE // 5),
        "!" * LONGEST_SOURCE,
        "? (" * (LONGEST_SOURCE // 3),
        "# " + "#" * (LONGEST_SOURCE - 3) + "x",
        "**a " * (LONGEST_SOURCE // 4),
        "`a " * (LONGEST_SOURCE // 3),
        "```a\n" * (LONGEST_SOURCE // 5),
        "A. " * (LONGEST_SOURCE // 3),
    ],
    ids=lambda source: source[:5],
)
def test_no_source_takes_long(source: str) -> None:
    """In this thread's own time: `re` holds up the whole worker meanwhile. Backtracking took minutes."""
    began = time.thread_time()
    passages(source)
    assert time.thread_time() - began < 1


def test_a_fence_that_nothing_closes_is_text() -> None:
    assert [passage.text for passage in passages("```sh\none\n```\ntwo\n\n~~~\nthree")] == ["two", "three"]
