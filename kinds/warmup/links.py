"""The addresses in a page and in a document: absolute, without fragments, each once."""

from collections.abc import Iterable

from httpx2 import URL, InvalidURL
from lxml import etree, html

MAX_PAGE = 4 * 1024 * 1024
"""Bytes of a page that links are looked for in."""
MAX_LINKS = 1000
"""Links followed from one page."""
MAX_PORT = 65535
_LONGEST = 2048


def web_address(text: str, base: URL | None = None) -> URL | None:
    """The http(s) address that `text` is, or that it is on the page at `base`; None for anything else."""
    try:
        url = base.join(text.strip()) if base else URL(text.strip())
    except (InvalidURL, ValueError):
        return None
    if url.scheme not in {"http", "https"} or url.userinfo or len(str(url)) > _LONGEST:
        return None
    if (
        (url.port or 0) > MAX_PORT or not url.host or "%" in url.host
    ):  # what cannot stand in a host is escaped, not refused
        return None
    return url.copy_with(fragment=None)


def unique(urls: Iterable[URL | None], *, most: int | None = None) -> list[str]:
    """The first `most` of them, all if None; those after are not even looked at."""
    found: dict[str, None] = {}
    for url in urls:
        if url is not None:
            found[str(url)] = None
            if len(found) == most:
                break
    return list(found)


def links(page: bytes, at: URL) -> list[str]:
    """Where the first MAX_LINKS links of an HTML page lead. Takes a while: not for the event loop."""
    try:
        tree = html.document_fromstring(page, base_url=str(at))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return []
    base = next((web_address(str(href), at) for href in tree.xpath("//base/@href")), None) or at
    hrefs = dict.fromkeys(str(href) for href in tree.xpath("//a/@href | //area/@href"))
    return unique((web_address(href, base) for href in hrefs), most=MAX_LINKS)
