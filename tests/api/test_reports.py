"""What can be asked of a report, and what cannot."""

import httpx
import pytest

GOOD = {"topic": "Bees"}


@pytest.mark.parametrize(
    "body",
    [GOOD, GOOD | {"sections": ["One", "Two"]}, GOOD | {"source": "\u4e2d" * 200_000}],
    ids=["least", "headings", "most"],
)
async def test_a_report_is_accepted(api: httpx.AsyncClient, body: dict[str, object]) -> None:
    """With a topic alone, with headings, and with the longest source in the widest letters."""
    response = await api.post("/reports", json=body)
    assert response.status_code == 202
    assert response.json()["kind"] == "report"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "topic"),
        ({"topic": " "}, "topic"),
        (GOOD | {"topic": "x" * 301}, "topic"),
        (GOOD | {"source": "x" * 200_001}, "source"),
        (GOOD | {"source": ""}, "source"),
        (GOOD | {"sections": 1}, "sections"),
        (GOOD | {"sections": 13}, "sections"),
        (GOOD | {"sections": ["One"]}, "sections"),
        (GOOD | {"sections": ["One", " "]}, "sections"),
        (GOOD | {"audience": "x" * 201}, "audience"),
        (GOOD | {"length": 3}, "length"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_wrong_field_is_named(api: httpx.AsyncClient, body: object, field: str) -> None:
    """422, and nothing is stored."""
    response = await api.post("/reports", json=body)
    assert response.status_code == 422
    assert {error["field"].partition(".")[0] for error in response.json()["errors"]} == {field}
    assert (await api.get("/jobs")).json()["jobs"] == []
