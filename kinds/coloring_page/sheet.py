"""A coloring page as a sheet of paper to print: the picture as large as it goes, its title small at the foot."""

import io

from PIL import Image

from kinds.coloring_page import Paper
from kinds.coloring_page.line_art.cleaning import DPI
from kinds.shared import typesetting
from kinds.shared.printable import printable

_TYPST = {"A4": "a4", "letter": "us-letter"}


def render_sheet(png: bytes, paper: Paper, *, title: str | None) -> bytes:
    """One page of PDF, turned as the picture is, which is printed at its 300 dpi: it was made to fit on both papers.

    Raises typst.TypstError (a RuntimeError) if `png` is none.
    """
    image = Image.open(io.BytesIO(png))
    sheet = {
        "title": printable(title or "", symbols=False),
        "paper": _TYPST[paper],
        "landscape": image.width > image.height,
        "width": image.width / DPI,
        "height": image.height / DPI,
    }
    return typesetting.render_pdf(_TEMPLATE, sheet, {"picture.png": png})


_TEMPLATE = """
#let sheet = json("data.json")
#set document(title: if sheet.title == "" { "A page to colour in" } else { sheet.title })
#set page(paper: sheet.paper, flipped: sheet.landscape, margin: (x: 11mm, top: 9mm, bottom: 8mm))
#set text(font: "Libertinus Serif", size: 11pt, lang: "en", hyphenate: false)
#let alt = if sheet.title == "" { "Line art to colour in" } else { "Line art to colour in: " + sheet.title }
#grid(
  rows: (1fr, 12mm), columns: 1fr, align: center + horizon,
  image("picture.png", width: sheet.width * 1in, height: sheet.height * 1in, alt: alt),
  align(bottom, box(width: 80%, text(fill: luma(90), sheet.title))),
)
"""
