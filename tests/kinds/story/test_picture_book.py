"""The finished book: whatever its words are, they are printed and never obeyed."""

import html
import io
import re
from collections import Counter
from html.parser import HTMLParser

import pypdf
import pytest
from PIL import Image

from kinds.story.picture_book import Book, BookPage, render_html, render_pdf

BYLINE = "Composed and drawn offline by Headrace, without AI"
NASTY = [
    '#panic("x") #let a = 1 *bold* _it_ $x^2$ `code` <label> @ref // comment',
    '"quotes" \\ and \\u{41} and } ] ) {',
    "<script>alert(1)</script> & <img src=x onerror=alert(1)>",
    "x" * 200,
    "שלום עולם مرحبا",
    "🦊 emoji 👩‍🚀 and \x00 control \x1b and \ud800 half",
    "",
]


def png(colour: str = "orange", size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def book(title: str = "My Story", text: str = "Once there was a fox. She was happy.", pages: int = 4) -> Book:
    return Book(title, BYLINE, [BookPage(n, text, png(), f"a fox, page {n}") for n in range(1, pages + 1)])


def page_count(pdf: bytes) -> int:
    return max(int(count) for count in re.findall(rb"/Count (\d+)", pdf))


def printed(pdf: bytes) -> list[str]:
    """The words of each page, as a reader copies them."""
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def letters(words: str) -> Counter[str]:
    """Which letters and digits there are, and how many of each: what no script's direction changes."""
    return Counter(sign for sign in words if sign.isalnum())


@pytest.mark.parametrize("pages", [1, 4, 12])
def test_a_pdf_has_a_cover_the_pages_and_an_end(pages: int) -> None:
    pdf = render_pdf(book(pages=pages))
    assert pdf.startswith(b"%PDF-")
    assert page_count(pdf) == pages + 2


def test_a_pdf_tells_the_story() -> None:
    told = Book(
        "The Fox and the Sea",
        BYLINE,
        [BookPage(1, "A fox woke up.", png(), ""), BookPage(2, "It saw waves.", png(), "")],
    )
    assert printed(render_pdf(told)) == [
        f"The Fox and the Sea {BYLINE}",
        "A fox woke up. 1",
        "It saw waves. 2",
        f"The End {BYLINE}",
    ]


@pytest.mark.parametrize("words", NASTY)
def test_a_pdf_prints_any_words_without_obeying_them(words: str) -> None:
    """One page each, whatever the words: nothing is read as markup, and nothing runs over to a second page."""
    cover, first, second, _ = printed(render_pdf(book(title=words[:200], text=words, pages=2)))
    assert letters(cover) == letters(words[:200] + BYLINE)
    assert letters(first) == letters(words + "1")
    assert letters(second) == letters(words + "2")


def test_a_long_text_stays_on_its_page() -> None:
    text = "A very long sentence goes on here. " * 16
    assert printed(render_pdf(book(text=text, pages=1)))[1:-1] == [f"{text}1"]


def test_a_pdf_uses_only_the_fonts_that_typst_brings() -> None:
    fonts = set(re.findall(rb"/FontName\s*/[A-Z]+\+([A-Za-z]+)", render_pdf(book())))
    assert fonts == {b"LibertinusSerif"}


def test_a_picture_that_is_none_is_an_error() -> None:
    with pytest.raises(RuntimeError):
        render_pdf(Book("T", BYLINE, [BookPage(1, "text", b"not a picture", "")]))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: bytes) -> _Reader:
    reader = _Reader()
    reader.feed(page.decode())
    return reader


def test_html_needs_no_other_file_and_says_what_is_to_be_seen() -> None:
    reader = read(render_html(book(pages=3)))
    images = [attributes for tag, attributes in reader.tags if tag == "img"]
    assert ("html", {"lang": "en"}) in reader.tags
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in images)
    assert [image["alt"] for image in images] == ["", "a fox, page 1", "a fox, page 2", "a fox, page 3"]
    assert not any(tag in {"script", "link", "iframe"} for tag, _ in reader.tags)
    assert any(attributes.get("name") == "viewport" for _, attributes in reader.tags)
    assert BYLINE in "".join(reader.words)
    assert "The End" in "".join(reader.words)


@pytest.mark.parametrize("words", NASTY)
def test_html_escapes_every_word(words: str) -> None:
    page = render_html(book(title=words, text=words, pages=1))
    reader = read(page)
    assert not any(tag == "script" or "onerror" in attributes for tag, attributes in reader.tags)
    assert html.escape(words).encode("utf-8", "replace") in page


def test_html_attributes_cannot_be_broken_out_of() -> None:
    page = render_html(Book("T", BYLINE, [BookPage(1, "t", png(), '"><script>alert(1)</script>')]))
    assert not any(tag == "script" for tag, _ in read(page).tags)
