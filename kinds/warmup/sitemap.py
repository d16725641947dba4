"""Sitemaps, https://www.sitemaps.org/protocol.html: lists of URLs, and indexes of such lists."""

from dataclasses import dataclass
from io import BytesIO

from lxml import etree

MAX_BYTES = 50 * 1024 * 1024
"""Of one sitemap, uncompressed; the protocol's own limit."""


MAX_ELEMENTS = 2_000_000
"""Of one sitemap: 50,000 entries, each in forty languages."""


class NotASitemap(Exception):
    """It is no XML, or not of this kind."""


@dataclass(frozen=True)
class Sitemap:
    pages: list[str]
    sitemaps: list[str]
    """Of an index."""


def parse(content: bytes) -> Sitemap:
    """Raises NotASitemap. Entities are not expanded and nothing is loaded, whatever the document declares."""
    pages: list[str] = []
    sitemaps: list[str] = []
    events = etree.iterparse(
        BytesIO(content),
        events=("end",),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for number, (_, element) in enumerate(events, 1):
            if number > MAX_ELEMENTS:
                raise NotASitemap(f"it is larger than any: more than {MAX_ELEMENTS} elements")
            parent = element.getparent()
            if parent is None:
                continue
            if etree.QName(element).localname == "loc":
                match etree.QName(parent).localname:
                    case "url":
                        pages.append((element.text or "").strip())
                    case "sitemap":
                        sitemaps.append((element.text or "").strip())
                    case _:
                        pass
            # Nothing that was read stays: a few packed bytes may be millions of elements.
            element.clear()
            if (before := element.getprevious()) is not None:
                parent.remove(before)
    except etree.XMLSyntaxError as error:
        raise NotASitemap(f"it is not well-formed XML: {error.msg}") from error
    root = etree.QName(events.root).localname if events.root is not None else "nothing"
    if root not in {"urlset", "sitemapindex"}:
        raise NotASitemap(f"it is a <{root}>, not a <urlset> or <sitemapindex>")
    return Sitemap(pages, sitemaps)
