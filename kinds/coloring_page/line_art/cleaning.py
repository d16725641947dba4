"""Lines as they are printed: pure black on white, smooth, without specks, blobs and gaps."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from kinds.coloring_page import Detail
from kinds.coloring_page.line_art.masks import Mask, close, extents, grow, shrink, sizes, without_specks

DPI = 300
PRINTED = (2197, 2870)
"""Pixels of the longest picture that a sheet takes, A4 or Letter: 186 x 243 mm at 300 dpi."""
_WORKED = 1400
"""Longest side in pixels while lines are cleaned; finer lines could not be coloured between anyway."""


@dataclass(frozen=True)
class Pen:
    """How lines are drawn, in pixels of a picture `_WORKED` long: half their width, and what is too small to keep."""

    half: int
    speck: int
    area: int


PENS: dict[Detail, Pen] = {
    "simple": Pen(half=3, speck=220, area=260),
    "normal": Pen(half=2, speck=110, area=110),
    "fine": Pen(half=1, speck=50, area=40),
}


class NoLines(Exception):
    """There is nothing to colour in: no lines, or nothing but black."""


def clean(image: Image.Image, detail: Detail) -> bytes:
    """A drawing of dark lines on light as a PNG of black lines on white, as large as a sheet has room for, at 300 dpi.

    Raises NoLines.
    """
    pen = PENS[detail]
    lines = tidy(ink(scaled(image.convert("L"), _WORKED)), pen)
    if not lines.any() or lines.mean() > _MAX_INK:
        raise NoLines
    return _printed(lines)


_MAX_INK = 0.5


def scaled(image: Image.Image, longest: int) -> Image.Image:
    """The image with its longer side so many pixels long."""
    factor = longest / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.BICUBIC)


def ink(grey: Image.Image) -> Mask:
    """What is line and what is paper, whatever the shade of the paper and the light on it."""
    share = flattened(grey)
    return share < _threshold(share)


def flattened(grey: Image.Image) -> NDArray[np.float32]:
    """Each pixel as a share of the paper around it: 1 for paper, near 0 for black lines."""
    small = grey.resize((max(1, grey.width // 8), max(1, grey.height // 8)), Image.Resampling.BOX)
    paper = small.filter(ImageFilter.MaxFilter(9)).filter(ImageFilter.GaussianBlur(6))
    shade = np.asarray(paper.resize(grey.size, Image.Resampling.BICUBIC), np.float32)
    return np.clip(np.asarray(grey, np.float32) / np.maximum(shade, 24.0), 0.0, 1.0).astype(np.float32)


def _threshold(share: NDArray[np.float32]) -> float:
    """Between ink and paper, by Otsu's method (1979), and within what can be either."""
    counts, edges = np.histogram(share, bins=64, range=(0.0, 1.0))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    mass = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = mass / below - (mass[-1] - mass) / above
    spread = np.nan_to_num(below * above * apart**2)
    return float(np.clip(edges[int(np.argmax(spread)) + 1], 0.45, 0.86))


def tidy(lines: Mask, pen: Pen) -> Mask:
    """Closed lines of an even width: specks gone, slivers filled, and black areas left white within an outline."""
    lines = without_specks(close(lines, pen.half), pen.speck // 3)
    lines |= grow(lines & ~grow(shrink(lines, pen.half), pen.half + 1), max(0, pen.half - 1))
    lines = without_specks(lines, pen.speck)
    lines = ~without_specks(~lines, pen.area, diagonal=False)
    return _hollow(lines, pen)


def _hollow(lines: Mask, pen: Pen) -> Mask:
    """What is too wide for a line becomes white with an outline; dots such as eyes stay black."""
    reach = 2 * pen.half + 4
    cores = shrink(lines, reach)
    labels, _ = sizes(cores, diagonal=True)
    large = extents(labels) + 2 * reach > _DOT
    large[0] = False
    wide = grow(large[labels], reach)
    return lines & ~(shrink(lines, max(2, pen.half) + 1) & wide)


_DOT = 76
"""Longest black dot, in pixels of a picture `_WORKED` long."""


def _printed(lines: Mask) -> bytes:
    """The lines enlarged to the size of print with smooth edges."""
    image = Image.fromarray(np.where(lines, np.uint8(0), np.uint8(255)))
    wide = image.width > image.height
    room = PRINTED[::-1] if wide else PRINTED
    factor = min(room[0] / image.width, room[1] / image.height)
    size = (round(image.width * factor), round(image.height * factor))
    soft = image.filter(ImageFilter.GaussianBlur(1.6)).resize(size, Image.Resampling.BICUBIC)
    # A steep edge in place of the blur: about two pixels of grey.
    sharp = soft.point([round(min(255.0, max(0.0, (value - 128) * 4.0 + 128))) for value in range(256)])
    file = io.BytesIO()
    sharp.save(file, "PNG", dpi=(DPI, DPI), compress_level=7)
    return file.getvalue()
