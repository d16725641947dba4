"""Slides as pictures: of one size, whatever their words are."""

import io

import pytest
from PIL import Image

from kinds.lesson.video.pages import HEIGHT, WIDTH, render_pages
from kinds.lesson.video.slides import Layout, Slide
from tests.support.pictures import encoded, photo

pytestmark = pytest.mark.slow


def shown(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    assert image.size == (WIDTH, HEIGHT)
    return image.convert("RGB")


def colours(png: bytes) -> set[tuple[int, ...]]:
    found = shown(png).getcolors(WIDTH * HEIGHT)
    assert found is not None
    return {colour for _, colour in found if isinstance(colour, tuple)}


@pytest.mark.parametrize("layout", ["title", "points", "words", "question", "answer"])
@pytest.mark.parametrize(
    "words",
    ["Whales", "whale " * 700, "x" * 4000, "#panic() $x$ <b> *a* \\ @ref \u0000", "\u9be8"],
    ids=["short", "long", "one word", "markup", "no font"],
)
def test_any_words_make_a_slide(layout: Layout, words: str) -> None:
    slide = Slide(layout, words[:100], words, [words, words], [], section=1)
    plain, pictured = render_pages([slide, slide], {}), render_pages([slide], {1: encoded(photo())})
    assert len(plain) == 2
    assert len(colours(plain[0])) > 4
    shown(pictured[0])


def test_a_picture_stands_beside_its_section_only() -> None:
    slides = [Slide("points", "", "A", ["a"], [], section=number) for number in (1, 2)]
    without, with_picture = render_pages(slides, {2: encoded(Image.new("RGB", (400, 300), "red"))})
    assert (255, 0, 0) in colours(with_picture)
    assert (255, 0, 0) not in colours(without)
