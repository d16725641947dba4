"""The illustrator's other canvas: black outlines on white, to colour in.

Shapes are painted flat, back to front, each over what it hides. Lines are then drawn where two colours meet, so areas
are closed by their nature and shapes of one colour that overlap, as the puffs of a cloud do, are one area.
"""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from kinds.coloring_page.line_art.masks import Labels, Mask, grow, shrink, sizes
from kinds.offline.drawing.canvas import Brush, Canvas, Point, smooth
from kinds.offline.drawing.palette import WHITE, Colour, mix

_BLACK: Colour = (0, 0, 0)
_LINE = 0.0042
"""Width of a line in picture heights."""
_THIN = 0.016
"""A stroke no wider than this is a line itself."""
_SMALLEST = 0.014
"""Smaller shapes are left out, in picture heights: tufts of grass, far stars, glints on water."""
_DOT = 0.06
"""Dark shapes up to this size are black dots: eyes, noses, buttons."""
_DARK = 100
"""Shapes darker than this, of 255, can be dots."""
_SOLID = 0.95
"""Shapes more transparent than this are light and shadow, which have no outline."""
_CROWDED = 0.0012
"""Areas smaller than this share of the square on the height are given to what is around them."""


class OutlineCanvas(Canvas):
    """Its brushes leave outlines."""

    def brush(self) -> Brush:
        plain = super().brush()
        # Lines are cut where the edge of a polygon is, so nothing may be blended: RGB, not RGBA.
        return OutlineBrush(plain.image, ImageDraw.Draw(plain.image, "RGB"), plain.matrix)

    def png(self) -> bytes:
        lines = Image.fromarray(np.where(_lines(self.image), np.uint8(0), np.uint8(255)))
        file = io.BytesIO()
        lines.resize(self.size, Image.Resampling.BOX).save(file, "PNG", compress_level=7)
        return file.getvalue()


class OutlineBrush(Brush):
    """Paints flat, in full light, and only what is large enough to have an outline."""

    def lit(self, tint: Colour = WHITE) -> Brush:  # noqa: ARG002  # outlines know no light
        return self

    def polygon(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        pixels = [self._pixel(point) for point in points]
        size = max(max(axis) - min(axis) for axis in zip(*pixels, strict=True)) / self.image.height
        dark = sum(colour) < 3 * _DARK
        if alpha < _SOLID or (size < _SMALLEST and not dark):
            return
        self.draw.polygon(pixels, fill=_BLACK if dark and size < _DOT else _apart(colour))

    def stroke(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        share = width * self._scale / self.image.height
        if share > _THIN:
            super().stroke(points, width, _apart(colour))
            # Pillow leaves cracks where the pieces of a bent line meet.
            for x, y in smooth(points, closed=False):
                r = width * self._scale / 2 - 1
                px, py = self._pixel((x, y))
                self.draw.ellipse((px - r, py - r, px + r, py + r), fill=_apart(colour))
        elif sum(colour) < 3 * _DARK:
            super().stroke(points, _LINE * self.image.height / self._scale, _BLACK)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float = 0.6) -> None:
        """Light has no outline."""

    def fade(self, top: float, bottom: float, upper: Colour, lower: Colour) -> None:
        box, _ = self._band(top, bottom)
        self.image.paste(_apart(mix(upper, lower, 0.5)), box)

    def veil(self, top: float, bottom: float, colour: Colour, strength: float, *, rising: bool = False) -> None:
        """Nor has mist."""


def _apart(colour: Colour) -> Colour:
    """Never the black of lines."""
    return (colour[0], colour[1], max(colour[2], 1))


def _lines(painted: Image.Image) -> Mask:
    colours = np.asarray(painted, np.int32) @ np.array([65536, 256, 1], np.int32)
    drawn = colours == 0
    areas = _without_slivers(colours, drawn)
    edges = np.zeros(areas.shape, bool)
    edges[:, 1:] |= areas[:, 1:] != areas[:, :-1]
    edges[1:] |= areas[1:] != areas[:-1]
    half = max(1, round(_LINE * painted.height / 2))
    return grow(edges, half) | drawn


def _without_slivers(colours: Labels, drawn: Mask) -> Labels:
    """Each pixel with the number of its area; slivers and lines belong to the nearest area that can be coloured."""
    height = colours.shape[0]
    same = np.ones(colours.shape, bool)
    same[:, 1:] &= colours[:, 1:] == colours[:, :-1]
    same[1:] &= colours[1:] == colours[:-1]
    reach = max(1, round(_LINE * height * 0.9))
    cores = shrink(same & ~drawn, reach)
    labels, counts = sizes(cores, diagonal=False)
    labels[(counts < _CROWDED * height * height / 4)[labels]] = 0
    # First within their own colour, so that tips stay pointed; then over what is left.
    labels = _spread(labels, colours, rounds=6 * reach)
    return _spread(labels, None, rounds=height)


def _spread(labels: Labels, colours: Labels | None, *, rounds: int) -> Labels:
    """Numbers grow by a pixel a round into what has none, and only within their colour if `colours` are given."""
    wide = labels.shape[1] + 2
    numbers = np.pad(labels, 1).ravel()
    paints = np.pad(colours, 1, constant_values=-1).ravel() if colours is not None else None
    open_ones = np.flatnonzero(np.pad(labels == 0, 1).ravel())
    for _ in range(rounds):
        found = np.zeros(open_ones.size, np.int32)
        for step in (-wide, wide, -1, 1):
            there = numbers[open_ones + step]
            if paints is not None:
                there = np.where(paints[open_ones + step] == paints[open_ones], there, 0)
            found = np.where(found > 0, found, there)
        if not found.any():
            break
        numbers[open_ones] = found
        open_ones = open_ones[found == 0]
    return numbers.reshape(-1, wide)[1:-1, 1:-1]
