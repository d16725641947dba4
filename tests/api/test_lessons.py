"""What can be asked of a lesson, and what cannot."""

import httpx
import pytest

GOOD = {"topic": "How whales live"}


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        GOOD | {"audience": "children", "minutes": 10, "source": "Whales breathe air.", "provider": "gemini"},
        GOOD | {"modality": "video"},
        {"topic": "Les \u00eeles f\u00e9ro\u00e9", "modality": "video"},
        {"topic": "\u9be8", "modality": "text"},
    ],
    ids=["least", "most", "video", "accents", "another script"],
)
async def test_a_lesson_is_accepted(api: httpx.AsyncClient, body: dict[str, object]) -> None:
    response = await api.post("/lessons", json=body)
    assert response.status_code == 202
    assert response.json()["kind"] == "lesson"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "topic"),
        ({"topic": " "}, "topic"),
        (GOOD | {"topic": "x" * 301}, "topic"),
        (GOOD | {"audience": "x" * 201}, "audience"),
        (GOOD | {"source": ""}, "source"),
        (GOOD | {"source": "x" * 200_001}, "source"),
        (GOOD | {"minutes": 0}, "minutes"),
        (GOOD | {"minutes": 11}, "minutes"),
        (GOOD | {"modality": "audio"}, "modality"),
        ({"topic": "\u9be8\u306f\u3069\u3046\u751f\u304d\u308b\u304b", "modality": "video"}, "modality"),
        (
            GOOD | {"source": "\u041a\u0438\u0442\u044b \u0434\u044b\u0448\u0430\u0442.", "modality": "video"},
            "modality",
        ),
        (GOOD | {"voice": "emma"}, "voice"),
        (GOOD | {"provider": "nobody"}, "provider"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_wrong_field_is_named(api: httpx.AsyncClient, body: object, field: str) -> None:
    """422, and nothing is stored. A video in a script that its voice cannot read is refused as well."""
    response = await api.post("/lessons", json=body)
    assert response.status_code == 422
    assert {error["field"].partition(".")[0] for error in response.json()["errors"]} == {field}
    assert (await api.get("/jobs")).json()["jobs"] == []
