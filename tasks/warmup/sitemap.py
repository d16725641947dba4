"""Sitemaps, https://www.sitemaps.org/protocol.html: lists of URLs, and indexes of such lists."""

from dataclasses import dataclass
from io import BytesIO

from lxml import etree

MOST_BYTES = 50 * 1024 * 1024
"""Of one sitemap, uncompressed; the protocol's own limit."""


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
        tag=("{*}loc", "{*}url", "{*}sitemap"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for _, element in events:
            parent = element.getparent()
            if parent is None:
                continue
            match etree.QName(element).localname, etree.QName(parent).localname:
                case "loc", "url":
                    pages.append((element.text or "").strip())
                case "loc", "sitemap":
                    sitemaps.append((element.text or "").strip())
                case _, "urlset" | "sitemapindex":
                    # 50,000 entries are read one at a time, and need not all stay.
                    parent.remove(element)
                case _:
                    pass
    except etree.XMLSyntaxError as error:
        raise NotASitemap(f"it is not well-formed XML: {error.msg}") from error
    root = etree.QName(events.root).localname if events.root is not None else "nothing"
    if root not in {"urlset", "sitemapindex"}:
        raise NotASitemap(f"it is a <{root}>, not a <urlset> or <sitemapindex>")
    return Sitemap(pages, sitemaps)
