"""The checker of histories: it finds what was planted, and says nothing of what may have been."""

import pytest

from tests.chaos.history import Operation, violations


def _op(kind: str, at: float, *, until: float | None = None, answer: str = "ok", **seen: object) -> Operation:
    return Operation(
        client="ann",
        kind=kind,  # pyright: ignore[reportArgumentType]  # one of those that there are
        job="j",
        asked=at,
        answered=at + 0.5 if until is None else until,
        answer=answer,  # pyright: ignore[reportArgumentType]  # the same
        **seen,  # pyright: ignore[reportArgumentType]  # fields of the operation
    )


CREATE = _op("create", 0, state="queued")
CLAIM = _op("claim", 1, fence=1, claim="a")
SAVE = _op("save", 2, fence=1, claim="a", step="outline")
FINISH = _op("finish", 9, fence=2, claim="b", state="completed")
SECOND = _op("claim", 5, fence=2, claim="b")
GOOD = [
    CREATE,
    CLAIM,
    _op("claim", 1.2, fence=1, claim="a"),
    SAVE,
    _op("read", 3, state="running", fence=1, steps=frozenset({"outline"})),
    SECOND,
    _op("save", 6, fence=1, claim="a", step="late", answer="refused"),
    _op("save", 7, fence=2, claim="b", step="page"),
    FINISH,
    _op("finish", 10, fence=2, claim="b", state="completed"),
    _op("cancel", 11, state="completed"),
    _op("read", 12, state="completed", fence=2, steps=frozenset({"outline", "page"})),
]


def test_a_good_history() -> None:
    assert violations(GOOD) == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        (_op("read", 13, state="cancelled", fence=2, steps=frozenset({"outline", "page"})), "two final states"),
        (_op("claim", 6, fence=2, claim="c"), "two claims, one fence"),
        (_op("claim", 6, fence=1, claim="c"), "a fence that fell"),
        (_op("claim", 6, fence=3, claim="b"), "one claim, two fences"),
        (_op("save", 6, fence=1, claim="a", step="late"), "written after a later claim"),
        (_op("save", 6, fence=2, claim="a", step="late"), "written after a later claim"),
        (_op("finish", 6, fence=1, claim="a", state="completed"), "written after a later claim"),
        (_op("claim", 13, fence=3, claim="c"), "after its end"),
        (_op("save", 13, fence=2, claim="b", step="more"), "after its end"),
        (_op("read", 13, state="queued", fence=2, steps=frozenset({"outline", "page"})), "an end that was taken back"),
        (_op("read", 13, state="completed", fence=2, steps=frozenset({"outline"})), "a read that went back"),
        (_op("read", 8.1, state="running", fence=2, steps=frozenset({"page"})), "is not there: save"),
        (_op("read", 6, state="queued", fence=1, steps=frozenset({"outline"})), "a claim that is not there"),
        (_op("read", 4, state="gone", fence=1, steps=frozenset({"outline"})), "accepted, and lost"),
    ],
)
def test_what_was_planted_is_found(planted: Operation, found: str) -> None:
    assert any(found in fault for fault in violations([*GOOD, planted])), violations([*GOOD, planted])


@pytest.mark.parametrize(
    "overlapping",
    [
        _op("save", 4.9, until=5.2, fence=1, claim="a", step="page"),
        _op("read", 4.9, until=12, state="running", fence=1, steps=frozenset({"outline"})),
        _op("save", 13, fence=1, claim="a", step="late", answer="unknown"),
        _op("finish", 6, fence=1, claim="a", state="failed", answer="refused"),
    ],
)
def test_what_overlaps_or_has_no_answer_is_no_violation(overlapping: Operation) -> None:
    assert violations([*GOOD, overlapping]) == []
