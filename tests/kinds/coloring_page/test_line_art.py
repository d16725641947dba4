"""Line art: black lines on white that can be coloured between, whatever they were made from."""

import io
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw

from headrace import JobContext, Rejected
from headrace.provider import Call, ImageRequest
from jobs.states import Reason
from kinds.coloring_page import ColoringPageInput, Detail
from kinds.coloring_page import pipeline as coloring_page
from kinds.coloring_page.line_art.cleaning import DPI, PENS, PRINTED, NoLines, clean
from kinds.coloring_page.line_art.masks import Mask, extents, grow, shrink, sizes
from kinds.coloring_page.line_art.reading import UnreadablePicture, read_picture
from kinds.offline.drawing.pictures import picture
from kinds.offline.drawing.tracing import is_drawing, trace
from kinds.offline.writing.page_planner import plan_page
from tests.support.pictures import drawing, encoded, photo, shaded_drawing

pytestmark = pytest.mark.slow

PROMPTS = ["A dragon and a princess by the castle", "Three puppies in the garden at night", "A whale under the sea"]
DETAILS: tuple[Detail, ...] = ("simple", "normal", "fine")


@cache
def drawn(prompt: str, detail: Detail = "normal", seed: int = 0) -> bytes:
    """The page that the offline provider makes of a prompt; made once for all tests."""
    scene = plan_page(prompt, detail=detail, seed=seed).scene.model_dump()
    request = ImageRequest(Call("job", "art"), prompt, scene, style="line_art", seed=seed)
    return clean(read_picture(picture(request).png, longest=2048), detail)


@cache
def traced(make: Callable[[], Image.Image], detail: Detail = "normal") -> bytes:
    """The lines of a picture; made once for all tests."""
    return clean(read_picture(trace(encoded(make()), detail), longest=2048), detail)


def lines_of(png: bytes) -> Mask:
    return np.asarray(Image.open(io.BytesIO(png))) < 128


def areas_of(png: bytes) -> int:
    """White areas large enough for a crayon: 5 mm square."""
    _, counts = sizes(~lines_of(png), diagonal=False)
    return int((counts[1:] > (5 / 25.4 * DPI) ** 2).sum())


def check_is_line_art(png: bytes, detail: Detail) -> None:
    """Mostly white; grey only where lines end; no speckles, no large black areas; the size of print."""
    image = Image.open(io.BytesIO(png))
    assert image.mode == "L"
    assert round(image.info["dpi"][0]) == DPI
    assert sorted(image.size)[1] in {max(PRINTED), *range(min(PRINTED), max(PRINTED))}
    values = np.asarray(image)
    lines = values < 128
    assert 0.005 < lines.mean() < 0.25
    grey = (values > 20) & (values < 235)
    # In the corner of an acute angle there may be a pixel of grey between pixels of black.
    assert (grey & ~(grow(lines, 4) & grow(~lines, 4))).mean() < 1e-5
    labels, counts = sizes(lines, diagonal=True)
    assert counts[1:].min() >= PENS[detail].speck
    black = shrink(lines, 60)
    assert not black.any()
    assert extents(labels).max() > 300


@pytest.mark.parametrize(("prompt", "detail"), list(zip(PROMPTS, DETAILS, strict=True)))
def test_a_prompt_becomes_closed_outlines(prompt: str, detail: Detail) -> None:
    """With several areas to colour, large ones."""
    png = drawn(prompt, detail)
    check_is_line_art(png, detail)
    assert areas_of(png) >= 8


@pytest.mark.parametrize(
    ("make", "detail"),
    [(drawing, "fine"), (shaded_drawing, "simple"), (photo, "simple"), (photo, "normal"), (photo, "fine")],
)
def test_a_picture_becomes_its_outlines(make: Callable[[], Image.Image], detail: Detail) -> None:
    """Pencil on paper in any light, and photos."""
    check_is_line_art(traced(make, detail), detail)


@pytest.mark.parametrize("make", [drawing, shaded_drawing])
def test_a_drawing_keeps_its_strokes_and_loses_its_paper(make: Callable[[], Image.Image]) -> None:
    """House, roof, door and sun are closed areas, and ink is where the pencil was, and nowhere else."""
    png = traced(make)
    assert areas_of(png) >= 5
    image = Image.open(io.BytesIO(png)).resize((640, 480), Image.Resampling.BOX)
    found, stroke = np.asarray(image) < 128, np.asarray(drawing().convert("L")) < 150
    assert (found & ~grow(stroke, 5)).mean() < 0.002
    assert (stroke & ~grow(found, 3)).sum() < 0.03 * stroke.sum()


def test_a_photo_keeps_the_outlines_of_its_things() -> None:
    """The ball and the box are closed; within them there is nothing."""
    png = traced(photo)
    lines = np.asarray(Image.open(io.BytesIO(png)).resize((640, 480), Image.Resampling.BOX)) < 128
    labels, _ = sizes(~lines, diagonal=False)
    ball, box, wall = labels[260, 200], labels[265, 470], labels[40, 320]
    assert len({ball, box, wall, 0}) == 4
    assert not lines[220:300, 150:250].any()
    assert not lines[230:320, 420:520].any()


def test_drawings_and_photos_are_told_apart() -> None:
    assert is_drawing(drawing())
    assert is_drawing(shaded_drawing())
    assert not is_drawing(photo())


def test_the_same_request_gives_the_same_bytes() -> None:
    prompt, detail = PROMPTS[0], DETAILS[0]
    assert drawn.__wrapped__(prompt, detail) == drawn(prompt, detail)
    assert drawn.__wrapped__(prompt, detail, seed=4) != drawn(prompt, detail)
    assert traced.__wrapped__(photo) == traced(photo)


def test_specks_go_and_gaps_close_and_blobs_are_hollowed_but_eyes_stay() -> None:
    """As in the answer of a model that did not keep to its instructions."""
    image = Image.new("L", (1400, 1000), 250)
    draw = ImageDraw.Draw(image)
    draw.arc([100, 100, 700, 700], 0.2, 359.7, fill=20, width=8)  # open by three pixels on the right
    draw.ellipse([900, 100, 1300, 500], fill=0)
    draw.ellipse([300, 300, 340, 345], fill=0)
    for x in range(900, 1300, 40):
        draw.point([(x, 800), (x, 900)], fill=0)
    lines = lines_of(clean(image.convert("RGB"), "normal"))
    scale = lines.shape[1] / 1400
    _, counts = sizes(lines, diagonal=True)
    assert counts.size - 1 == 3

    def white(x: int, y: int) -> bool:
        return not lines[round(y * scale), round(x * scale)]

    assert white(1100, 300)
    assert not white(320, 322)
    labels, _ = sizes(~lines, diagonal=False)
    assert labels[round(400 * scale), round(500 * scale)] != labels[round(5 * scale), round(5 * scale)]


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_plain_picture_has_no_lines(shade: int) -> None:
    image = Image.new("RGB", (400, 300), (shade, shade, shade))
    with pytest.raises(NoLines):
        traced(lambda: image)


def test_any_sort_of_picture_is_read() -> None:
    """Clear ones on white, deep ones scaled, CMYK and palettes converted, the first frame of several."""
    clear = Image.new("RGBA", (80, 60), (0, 0, 0, 0))
    deep = Image.fromarray(np.full((60, 80), 65535, np.uint16))
    frames = {"save_all": True, "append_images": [Image.new("RGB", (80, 60), "black")]}
    white = Image.new("RGB", (80, 60), "white")
    files = [
        encoded(clear),
        encoded(clear, "WEBP"),
        encoded(deep),
        encoded(white.convert("CMYK"), "JPEG"),
        encoded(white.convert("P")),
        encoded(white.convert("1")),
        encoded(white, "WEBP", **frames),
        encoded(white, "PNG", **frames),
    ]
    for data in files:
        image = read_picture(data, longest=100)
        assert (image.mode, image.size) == ("RGB", (80, 60))
        assert min(np.asarray(image).min(axis=(0, 1))) > 250


def test_a_picture_is_turned_as_its_exif_says() -> None:
    sideways = Image.new("RGB", (80, 60), "white")
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_picture(encoded(sideways, "JPEG", exif=exif), longest=100).size == (60, 80)


@pytest.mark.parametrize("data", [encoded(photo())[:9000], encoded(photo(), "JPEG")[:900], b"GIF89a", b""])
def test_a_damaged_picture_is_said_to_be(data: bytes) -> None:
    with pytest.raises(UnreadablePicture, match="damaged or incomplete"):
        read_picture(data, longest=100)


def test_a_picture_too_large_is_not_decoded() -> None:
    with pytest.raises(UnreadablePicture, match="40 megapixels"):
        read_picture(encoded(Image.new("1", (7000, 6000))), longest=100)


async def test_art_that_cannot_be_read_is_not_the_clients_fault(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prompt has no picture that could be sent better."""
    monkeypatch.setattr("kinds.coloring_page.line_art.reading.MAX_PIXELS", 10)
    with pytest.raises(Rejected, match="picture that the provider made") as rejected:
        await coloring_page.make(context, ColoringPageInput(prompt="A dragon"))
    assert (rejected.value.reason, rejected.value.stage) == (Reason.INVALID_ANSWER, "clean")


def test_the_offline_illustrator_redraws_as_line_art_only() -> None:
    with pytest.raises(Rejected, match="only make line art"):
        picture(ImageRequest(Call("job", "art"), "", {}, source=encoded(photo())))
    with pytest.raises(Rejected, match="cannot be read"):
        picture(ImageRequest(Call("job", "art"), "", {}, style="line_art", source=b"no picture"))


def test_what_the_illustrator_cannot_draw_is_said() -> None:
    scene = plan_page("An axolotl who flies a kite", detail="normal", seed=0).scene.model_dump()
    request = ImageRequest(Call("job", "art"), "", scene, style="line_art")
    assert picture(request).stand_ins == ["axolotl"]
    assert "kite" in " ".join(scene["subjects"])
