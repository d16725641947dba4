"""Line art from a picture by image processing: the strokes of a drawing, or the edges in a photo. No model is asked."""

import io
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from kinds.coloring_page import Detail
from kinds.coloring_page.line_art.cleaning import flattened, ink, scaled
from kinds.coloring_page.line_art.masks import Mask, close, extents, grow, sizes, without_specks
from kinds.coloring_page.line_art.reading import read_picture

Plane = NDArray[np.float32]

_LONGEST = 1200


@dataclass(frozen=True)
class _Photo:
    """How edges are looked for: guided filters (radius, edge), a blur, the steep share, and the shortest line."""

    smoothing: tuple[tuple[int, float], ...]
    sigma: float
    share: float
    shortest: int


_PHOTO: dict[Detail, _Photo] = {
    "simple": _Photo(smoothing=((12, 0.08), (10, 0.06), (8, 0.04)), sigma=3.0, share=0.2, shortest=110),
    "normal": _Photo(smoothing=((9, 0.06), (7, 0.04)), sigma=2.2, share=0.17, shortest=95),
    "fine": _Photo(smoothing=((9, 0.05), (7, 0.03)), sigma=1.8, share=0.17, shortest=60),
}


def trace(source: bytes, detail: Detail) -> bytes:
    """A PNG of dark lines on white. Raises UnreadablePicture."""
    image = scaled(read_picture(source, longest=_LONGEST), _LONGEST)
    lines = _strokes(image) if is_drawing(image) else _edges(image, detail)
    file = io.BytesIO()
    Image.fromarray(np.where(lines, np.uint8(0), np.uint8(255))).save(file, "PNG", compress_level=7)
    return file.getvalue()


def is_drawing(image: Image.Image) -> bool:
    """Whether it is lines on paper: nearly all of it as light as the paper around it, and next to no colour."""
    small = image.convert("RGB")
    small.thumbnail((400, 400))
    share = flattened(small.convert("L"))
    paper = share > 0.82
    saturation = np.asarray(small.convert("HSV"), np.float32)[..., 1] / 255
    return bool(paper.mean() > 0.72 and np.median(saturation[paper]) < 0.3 and _paper_is_light(small))


def _paper_is_light(image: Image.Image) -> bool:
    return float(np.percentile(np.asarray(image.convert("L")), 60)) > 90


def _strokes(image: Image.Image) -> Mask:
    """Pencil or pen, without the shade of the paper and its noise."""
    calm = image.convert("L").filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.GaussianBlur(1.0))
    return without_specks(close(ink(calm), 1), 60)


def _edges(image: Image.Image, detail: Detail) -> Mask:
    """The ridges of the gradient (Canny, 1986) of a picture smoothed within its edges, as lines.

    Each channel is asked, so that red beside green of the same brightness has an edge.
    """
    settings = _PHOTO[detail]
    down = across = np.zeros((image.height, image.width), np.float32)
    for channel in image.convert("RGB").split():
        plane = np.asarray(channel, np.float32) / np.float32(255)
        for radius, edge in settings.smoothing:
            plane = _guided(plane, radius, edge)
        one, other = cast("list[Plane]", np.gradient(_blurred(plane, settings.sigma)))
        steeper = one * one + other * other > down * down + across * across
        down, across = np.where(steeper, one, down), np.where(steeper, other, across)
    steep = np.hypot(down, across)
    ridges = _ridges(steep, down, across)
    # A pale picture has its lines too, a busy one only its strongest.
    weak = float(np.clip(np.percentile(steep, 100 * (1 - settings.share)), 0.0035, 0.016))
    lines = _hysteresis(grow(ridges & (steep > weak), 1), ridges & (steep > 2.2 * weak), shortest=settings.shortest)
    return grow(lines, 1)


def _ridges(steep: Plane, down: Plane, across: Plane) -> Mask:
    """Where it is steeper than a pixel further up and down the slope, in the nearest of four directions."""
    tall, wide = steep.shape
    around = np.pad(steep, 1)
    sector = np.round(np.arctan2(down, across) / (np.pi / 4)).astype(np.int8) % 4
    ridges = np.zeros(steep.shape, bool)
    for number, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = around[1 + dy : 1 + dy + tall, 1 + dx : 1 + dx + wide]
        behind = around[1 - dy : 1 - dy + tall, 1 - dx : 1 - dx + wide]
        ridges |= (sector == number) & (steep > ahead) & (steep >= behind)
    return ridges


def _hysteresis(weak: Mask, strong: Mask, *, shortest: int) -> Mask:
    """The weak parts that have something strong in them and are so long, which the grain of wood or fur is not."""
    labels, _ = sizes(weak, diagonal=True)
    kept = np.zeros(int(labels.max()) + 1, bool)
    kept[np.unique(labels[strong])] = True
    kept &= extents(labels) >= shortest
    kept[0] = False
    return cast("Mask", kept[labels])


def _guided(plane: Plane, radius: int, edge: float) -> Plane:
    """The guided filter (He, 2010): smooths within edges of more than about `edge`, of 1."""
    mean = _box(plane, radius)
    variance = np.maximum(_box(plane * plane, radius) - mean * mean, np.float32(0))
    share = (variance / (variance + np.float32(edge * edge))).astype(np.float32)
    return _box(share, radius) * plane + _box((mean - share * mean).astype(np.float32), radius)


def _box(plane: Plane, radius: int) -> Plane:
    """The mean of the square around each pixel."""
    for axis in (0, 1):
        padded = np.pad(plane, [(radius + 1, radius) if each == axis else (0, 0) for each in (0, 1)], mode="edge")
        sums = np.cumsum(padded, axis=axis, dtype=np.float64)
        width = 2 * radius + 1
        last, first = (sums[width:], sums[:-width]) if axis == 0 else (sums[:, width:], sums[:, :-width])
        plane = ((last - first) / width).astype(np.float32)
    return plane


def _blurred(plane: Plane, sigma: float) -> Plane:
    """A Gaussian blur; Pillow's takes no fractions of a grey."""
    reach = round(3 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).astype(np.float32)
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(plane, [(reach, reach) if each == axis else (0, 0) for each in (0, 1)], mode="edge")
        length = plane.shape[axis]
        blurred = np.zeros_like(plane)
        for k, weight in enumerate(weights):
            blurred += weight * (padded[k : k + length] if axis == 0 else padded[:, k : k + length])
        plane = blurred
    return plane
