"""What cannot be warmed up is refused by field, before anything is stored."""

import httpx
import pytest

from jobs.store import JobStore
from tests.support.inspector import Inspector

URL = "https://example.com/"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "page"),
        ({"depth": 2}, "page"),
        ({"sitemap": URL, "urls": [URL]}, "urls"),
        ({"urls": [URL], "page": URL}, "page"),
        ({"sitemap": "example.com/sitemap.xml"}, "sitemap"),
        ({"sitemap": "ftp://example.com/sitemap.xml"}, "sitemap"),
        ({"sitemap": "file:///etc/passwd"}, "sitemap"),
        ({"sitemap": "https://ann:secret@example.com/"}, "sitemap"),
        ({"sitemap": URL + "x" * 2048}, "sitemap"),
        ({"urls": []}, "urls"),
        ({"urls": [URL, "javascript:alert(1)"]}, "urls.1"),
        ({"urls": [URL] * 10_001}, "urls"),
        ({"page": URL, "depth": 6}, "depth"),
        ({"sitemap": URL, "depth": 1}, "depth"),
        ({"page": URL, "max_urls": 50_001}, "max_urls"),
        ({"page": URL, "max_urls": 0}, "max_urls"),
        ({"page": URL, "passes": 3}, "passes"),
        ({"page": URL, "allow_hosts": ["https://example.com"]}, "allow_hosts.0"),
        ({"page": URL, "user_agent": "a\r\nHost: b"}, "user_agent"),
        ({"page": URL, "timeout_seconds": 0}, "timeout_seconds"),
        ({"page": URL, "crawl": True}, "crawl"),
    ],
    ids=str,
)
async def test_a_wrong_field_is_named(api: httpx.AsyncClient, store: JobStore, body: object, field: str) -> None:
    response = await api.post("/warmups", json=body)
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["field"] == field
    assert "secret" not in response.text
    assert await Inspector(store.redis).names("hr:*") == []


@pytest.mark.parametrize("body", [{"sitemap": URL}, {"urls": [URL]}, {"page": URL, "depth": 0}])
async def test_one_source_is_enough(api: httpx.AsyncClient, body: object) -> None:
    assert (await api.post("/warmups", json=body)).status_code == 202
