"""Sitemaps, pages and robots.txt as hosts really send them, hostile ones included."""

import gzip
import subprocess
import sys

import pytest
from httpx2 import URL

from kinds.warmup.cache_state import cache_state
from kinds.warmup.client import Answer, TooLarge
from kinds.warmup.known_links import KnownLinks
from kinds.warmup.links import MAX_LINKS, links, web_address
from kinds.warmup.robots import Robots
from kinds.warmup.sitemap import NotASitemap, parse

AT = URL("https://shop.example/a/b")


def answer(body: bytes, status: int = 200) -> Answer:
    return Answer(AT, status, {}, body, len(body), 0.1, 0.1)


def test_a_sitemap_names_pages() -> None:
    xml = b"""<?xml version="1.0"?><!-- a comment --><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
      xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
      <url><loc> https://shop.example/?a=1&amp;b=2 </loc><lastmod>2026-01-01</lastmod>
        <image:image><image:loc>https://shop.example/picture.png</image:loc></image:image></url>
      <url><loc><![CDATA[https://shop.example/two]]></loc></url></urlset>"""
    assert parse(xml).pages == ["https://shop.example/?a=1&b=2", "https://shop.example/two"]


def test_an_index_names_sitemaps() -> None:
    xml = b"<sitemapindex><sitemap><loc>https://shop.example/1.xml</loc></sitemap></sitemapindex>"
    assert (parse(xml).pages, parse(xml).sitemaps) == ([], ["https://shop.example/1.xml"])


def test_50_000_entries_are_read() -> None:
    xml = b"<urlset>" + b"<url><loc>https://shop.example/page</loc></url>" * 50_000 + b"</urlset>"
    assert len(parse(xml).pages) == 50_000


@pytest.mark.slow
def test_what_was_read_of_a_sitemap_does_not_stay() -> None:
    """49 KB of gzip are 50 MB of empty elements, which would take 1.6 GB. A process of its own has its own peak."""
    script = """
from resource import RUSAGE_SELF, getrusage
from kinds.warmup.sitemap import parse
xml = b"<urlset>" + b"<a/>" * 500_000 + b"<url><b/></url>" * 50_000 + b"</urlset>"
before = getrusage(RUSAGE_SELF).ru_maxrss
parse(xml)
print(getrusage(RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)  # noqa: S603  # our own
    assert int(done.stdout) < 10_000


def test_a_sitemap_of_too_many_elements_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinds.warmup.sitemap.MAX_ELEMENTS", 10)
    with pytest.raises(NotASitemap, match="more than 10 elements"):
        parse(b"<urlset>" + b"<a/>" * 11 + b"</urlset>")


@pytest.mark.parametrize("xml", [b"", b"<html></html>", b"no xml", b"<urlset><url>", b"\x00\x01"])
def test_what_is_no_sitemap_is_said(xml: bytes) -> None:
    with pytest.raises(NotASitemap, match="it is"):
        parse(xml)


def test_a_billion_laughs_are_not_heard() -> None:
    """Entities within entities would be 10^9 times `ha`."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    xml = f'<!DOCTYPE urlset [<!ENTITY e0 "ha">{entities}]><urlset><url><loc>&e9;</loc></url></urlset>'
    with pytest.raises(NotASitemap, match="amplification"):
        parse(xml.encode())


def test_no_file_is_read_for_a_sitemap() -> None:
    xml = b'<!DOCTYPE urlset [<!ENTITY e SYSTEM "file:///etc/passwd">]><urlset><url><loc>&e;</loc></url></urlset>'
    assert parse(xml).pages == [""]


def test_gzip_is_undone_also_twice() -> None:
    body = gzip.compress(gzip.compress(b"text"))
    assert answer(body).content(100) == b"text"


def test_a_gzip_bomb_is_not_unpacked() -> None:
    with pytest.raises(TooLarge):
        answer(gzip.compress(b"\0" * 10_000_000)).content(1_000_000)


def test_a_damaged_gzip_is_said() -> None:
    with pytest.raises(ValueError, match="damaged gzip"):
        answer(gzip.compress(b"text" * 100)[:-20]).content(1_000_000)


def test_links_are_absolute_and_each_once() -> None:
    page = b"""<a href="c">1</a> <a href="/c#top">2</a> <a href="//cdn.example/x">3</a> <A HREF=../d?q=1&amp;r=2>4</A>
      <a href="mailto:a@b">5</a> <a href="javascript:x()">6</a> <a href="http://[broken">7</a>
      <area href="e"> <a>8</a>"""
    assert links(page, AT) == [
        "https://shop.example/a/c",
        "https://shop.example/c",
        "https://cdn.example/x",
        "https://shop.example/d?q=1&r=2",
        "https://shop.example/a/e",
    ]


def test_no_more_links_are_looked_at_than_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them would take seconds."""
    looked_at: list[str] = []

    def noted(href: str, base: URL) -> URL | None:
        looked_at.append(href)
        return web_address(href, base)

    monkeypatch.setattr("kinds.warmup.links.web_address", noted)
    page = b"".join(b'<a href="/%d">a</a>' % number for number in range(MAX_LINKS + 1000))
    assert len(links(page, AT)) == len(looked_at) == MAX_LINKS


def test_a_job_keeps_each_link_once_and_no_more_than_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinds.warmup.known_links.MAX_CHARACTERS", 10)
    known = KnownLinks()
    assert known.new(["1234", "5678", "1234"]) == ["1234", "5678"]
    assert known.new(["5678", "90ab", "cd"]) == ["cd"]


def test_a_base_changes_where_links_lead() -> None:
    assert links(b'<base href="/other/"><a href="c">1</a>', AT) == ["https://shop.example/other/c"]


@pytest.mark.parametrize("page", [b"", b"\x89PNG\r\n", b"<" * 10_000, b"<div>" * 10_000, b"\xff\xfe"])
def test_a_page_that_makes_no_sense_has_no_links(page: bytes) -> None:
    assert links(page, AT) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "ftp://a.example/",
        "https://ann:pw@a.example/",
        "http://a.example/" + "x" * 2048,
        "http://a.example:65536/",
    ],
)
def test_what_is_no_web_address(text: str) -> None:
    assert web_address(text) is None


def test_robots_by_the_name_before_the_slash() -> None:
    text = b"User-agent: headrace-warmup\nDisallow: /private\nCrawl-delay: 2\n\nUser-agent: *\nDisallow: /"
    robots = Robots.of(answer(text), user_agent="headrace-warmup/1.0 (ops@shop.example)")
    assert (robots.allow("https://shop.example/a"), robots.allow("https://shop.example/private/x")) == (True, False)
    assert robots.delay == 2
    assert not Robots.of(answer(text), user_agent="other/1").allow("https://shop.example/a")


def test_without_a_robots_txt_all_is_allowed() -> None:
    robots = Robots.of(answer(b"Disallow: /", status=404), user_agent="x")
    assert (robots.allow("https://shop.example/a"), robots.delay) == (True, 0)


@pytest.mark.parametrize(
    ("headers", "state"),
    [
        ({}, "unknown"),
        ({"cf-cache-status": "HIT", "x-cache": "MISS"}, "hit"),
        ({"cf-cache-status": "EXPIRED"}, "miss"),
        ({"cf-cache-status": "DYNAMIC"}, "bypass"),
        ({"cache-status": "origin; fwd=uri-miss; stored, edge; hit; ttl=30"}, "hit"),
        ({"cache-status": "edge; fwd=uri-miss; stored"}, "miss"),
        ({"cache-status": "edge; fwd=bypass"}, "bypass"),
        ({"x-cache": "Hit from cloudfront"}, "hit"),
        ({"x-cache": "MISS, MISS"}, "miss"),
        ({"x-cache": "MISS, HIT"}, "hit"),
        ({"age": "12"}, "hit"),
        ({"age": "00"}, "unknown"),
        ({"age": "9" * 5000}, "hit"),
    ],
)
def test_cache_states(headers: dict[str, str], state: str) -> None:
    assert cache_state(headers) == state
