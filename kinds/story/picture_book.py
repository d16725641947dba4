"""A finished picture book as a file: PDF for paper, HTML for a browser. Pure functions from a book to bytes."""

import base64
import html
from dataclasses import dataclass

from kinds.shared import typesetting
from kinds.shared.printable import printable


@dataclass(frozen=True)
class BookPage:
    """One page: its picture as PNG bytes, `alt` saying what the picture shows."""

    number: int
    text: str
    png: bytes
    alt: str


@dataclass(frozen=True)
class Book:
    """`byline` says who made the book, and must be honest about it."""

    title: str
    byline: str
    pages: list[BookPage]


def render_pdf(book: Book) -> bytes:
    """A cover, one landscape page for each page of the story, and "The End".

    Raises typst.TypstError (a RuntimeError) if a picture is not an image.
    """
    data = {
        "title": printable(book.title, symbols=False),
        "byline": printable(book.byline, symbols=False),
        "pages": [
            {
                "number": page.number,
                "text": printable(page.text, symbols=False),
                "alt": page.alt,
                "picture": _file_of(page),
            }
            for page in book.pages
        ],
    }
    return typesetting.render_pdf(_PDF_TEMPLATE, data, {_file_of(page): page.png for page in book.pages})


def _file_of(page: BookPage) -> str:
    return f"page-{page.number}.png"


def render_html(book: Book) -> bytes:
    """One file that needs nothing else: pictures are inside it, and every word is escaped."""
    pages = "".join(_html_page(page) for page in book.pages)
    cover = _picture(book.pages[0], alt="") if book.pages else ""
    filled = _HTML_TEMPLATE.format(
        title=html.escape(book.title), byline=html.escape(book.byline), cover=cover, pages=pages, style=_STYLE
    )
    return filled.encode("utf-8", "replace")


def _html_page(page: BookPage) -> str:
    return (
        f'<section class="page" aria-label="Page {page.number}">{_picture(page, alt=page.alt)}'
        f'<p dir="auto">{html.escape(page.text)}</p>'
        f'<span class="number" aria-hidden="true">{page.number}</span></section>\n'
    )


def _picture(page: BookPage, *, alt: str) -> str:
    data = base64.b64encode(page.png).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}">'


_PDF_TEMPLATE = """
#let book = json("data.json")
#let ink = rgb("#3a2d3f")
#let soft = rgb("#8a7a86")
#let paper = rgb("#fffaf0")
#set document(title: book.title, author: book.byline)
#set page(width: 240mm, height: 250mm, margin: 0mm, fill: paper)
#set text(font: "Libertinus Serif", size: 18pt, fill: ink, lang: "en", hyphenate: false)
#set par(leading: 0.7em, justify: false)

#let picture(page) = box(
  width: 100%, height: 180mm, clip: true, image(page.picture, width: 100%, height: 100%, fit: "cover", alt: page.alt),
)
#let title-size(words) = {
  let count = words.clusters().len()
  if count < 24 { 46pt } else if count < 60 { 34pt } else if count < 110 { 26pt } else { 19pt }
}
// A word longer than its line may break anywhere.
#let breakable(words) = words.split(" ").map(word =>
  if word.clusters().len() > 22 { word.clusters().join("\\u{200B}") } else { word }
).join(" ")

#page[
  #set align(center)
  #if book.pages.len() > 0 { picture(book.pages.first()) }
  #v(1fr)
  #block(width: 210mm, {
    set par(leading: 0.45em)
    text(size: title-size(book.title), weight: "bold", breakable(book.title))
  })
  #v(1fr)
  #text(size: 12pt, fill: soft, style: "italic", book.byline)
  #v(8mm)
]

#for each in book.pages {
  page[
    #set align(center)
    #picture(each)
    #v(1fr)
    #block(width: 200mm, {
      set text(size: if each.text.clusters().len() > 330 { 16pt } else { 18pt })
      breakable(each.text)
    })
    #v(1fr)
    #text(size: 11pt, fill: soft, str(each.number))
    #v(6mm)
  ]
}

#page[
  #set align(center + horizon)
  #text(size: 44pt, style: "italic")[The End]
  #v(6mm)
  #text(size: 12pt, fill: soft, book.byline)
]
"""

_STYLE = """
:root { color-scheme: light; --ink: #3a2d3f; --soft: #75656f; --paper: #fffaf0; }
* { box-sizing: border-box; }
body { margin: 0; background: #f1e6d3; color: var(--ink);
  font: 1.3rem/1.6 Georgia, "Iowan Old Style", "Times New Roman", serif; }
main { max-width: 60rem; margin: 0 auto;
  padding: 1.5rem clamp(0.75rem, 3vw, 2rem); display: grid; gap: 1.75rem; }
.cover, .page, .end { background: var(--paper); border-radius: 1.25rem; padding: clamp(0.75rem, 3vw, 2rem);
  text-align: center;
  box-shadow: 0 0.2rem 1rem rgb(58 45 63 / 12%); }
img { display: block; width: 100%; height: auto; border-radius: 0.9rem; }
h1 { font-size: clamp(1.8rem, 6vw, 3.2rem); line-height: 1.15; margin: 1.25rem 0 0.25rem; overflow-wrap: anywhere; }
p { margin: 1.1rem auto 0.4rem; max-width: 42rem; overflow-wrap: anywhere; text-wrap: pretty; }
.byline { color: var(--soft); font-size: 1rem; font-style: italic; }
.number { color: var(--soft); font-size: 0.95rem; }
.end { font-size: 2.2rem; font-style: italic; }
@media print { body { background: none; } main { display: block; padding: 0; }
  .cover, .page, .end { break-after: page; box-shadow: none; } }
"""

_HTML_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<header class="cover">{cover}<h1 dir="auto">{title}</h1><p class="byline" dir="auto">{byline}</p></header>
{pages}<footer class="end">The End</footer>
</main>
</body>
</html>
"""
