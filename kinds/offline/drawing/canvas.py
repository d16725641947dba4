"""A supersampled canvas and the brush that paints flat shapes on it.

Everything is blended straight onto an opaque picture. No shape is ever blurred on a transparent layer, so nothing can
grow a dark halo.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from kinds.offline.drawing.palette import WHITE, Colour, filtered

Point = tuple[float, float]
Matrix = tuple[float, float, float, float, float, float]

#: Drawn this many times larger, then reduced: smooth edges.
SUPERSAMPLING = 2


class Canvas:
    """An opaque picture of `width` x `height` pixels. One unit of its brush is the height of the picture."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.image = Image.new("RGB", (width * SUPERSAMPLING, height * SUPERSAMPLING), WHITE)
        self.aspect = width / height

    def brush(self) -> "Brush":
        scale = float(self.image.height)
        return Brush(self.image, ImageDraw.Draw(self.image, "RGBA"), (scale, 0.0, 0.0, 0.0, scale, 0.0))

    def png(self) -> bytes:
        file = io.BytesIO()
        self.image.resize(self.size, Image.Resampling.BOX).save(file, "PNG", compress_level=7)
        return file.getvalue()


@dataclass(frozen=True)
class Brush:
    """Paints shapes in its own coordinates: x to the right, y downwards. `tint` is the light it paints in."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    matrix: Matrix
    tint: Colour = WHITE

    def at(self, x: float, y: float, scale: float = 1.0, *, turn: float = 0.0, flip: bool = False) -> "Brush":
        """A brush with its origin at (x, y), turned by `turn` degrees clockwise, mirrored if `flip`."""
        a, b, c, d, e, f = self.matrix
        cos, sin = math.cos(math.radians(turn)) * scale, math.sin(math.radians(turn)) * scale
        side = -1.0 if flip else 1.0
        turned = (
            (a * cos + b * sin) * side,
            b * cos - a * sin,
            a * x + b * y + c,
            (d * cos + e * sin) * side,
            e * cos - d * sin,
            d * x + e * y + f,
        )
        return replace(self, matrix=turned)

    def lit(self, tint: Colour = WHITE) -> "Brush":
        """The same brush in other light; without a tint, for what shines by itself."""
        return replace(self, tint=tint)

    def polygon(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        self.draw.polygon([self._pixel(point) for point in points], fill=self._ink(colour, alpha))

    def blob(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """A smooth closed shape through the points."""
        self.polygon(smooth(points, closed=True), colour, alpha)

    def ellipse(  # the four numbers of an ellipse, its colour and its turn
        self, x: float, y: float, rx: float, ry: float, colour: Colour, alpha: float = 1.0, *, turn: float = 0.0
    ) -> None:
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        points = [(x + rx * u * cos - ry * v * sin, y + rx * u * sin + ry * v * cos) for u, v in _CIRCLE]
        self.polygon(points, colour, alpha)

    def circle(self, x: float, y: float, radius: float, colour: Colour, alpha: float = 1.0) -> None:
        self.ellipse(x, y, radius, radius, colour, alpha)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour, *, round_by: float = 0.0) -> None:
        """A rectangle from its top left corner, its corners rounded by `round_by`."""
        if not round_by:
            self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour)
            return
        right, bottom, r = x + width - round_by, y + height - round_by, round_by
        centres = ((right, bottom), (x + r, bottom), (x + r, y + r), (right, y + r))
        quarter = len(_CIRCLE) // 4
        points = [
            (cx + r * u, cy + r * v)
            for corner, (cx, cy) in enumerate(centres)
            for u, v in _CIRCLE[corner * quarter : (corner + 1) * quarter + 1]
        ]
        self.polygon(points, colour)

    def stroke(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """A smooth line through the points, `width` wide, with round ends."""
        pixels = [self._pixel(point) for point in smooth(points, closed=False)]
        ink, wide = self._ink(colour, 1.0), max(1.0, width * self._scale)
        self.draw.line(pixels, fill=ink, width=round(wide), joint="curve")
        for x, y in (pixels[0], pixels[-1]):
            r = wide / 2
            self.draw.ellipse((x - r, y - r, x + r, y + r), fill=ink)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float = 0.6) -> None:
        """Light that fades outwards from (x, y)."""
        px, py = self._pixel((x, y))
        r = max(1, round(radius * self._scale))
        mask = Image.radial_gradient("L").resize((2 * r, 2 * r)).point([round(light * strength) for light in _FADING])
        self.image.paste(colour, (round(px) - r, round(py) - r), mask)

    def fade(self, top: float, bottom: float, upper: Colour, lower: Colour) -> None:
        """The whole width from `top` to `bottom`, from one colour to the other."""
        box, mask = self._band(top, bottom)
        self.image.paste(filtered(upper, self.tint), box)
        self.image.paste(filtered(lower, self.tint), box, mask)

    def veil(self, top: float, bottom: float, colour: Colour, strength: float, *, rising: bool = False) -> None:
        """A mist over the whole width, thickest at the bottom, or at the top if `rising`."""
        box, mask = self._band(top, bottom)
        thick = mask.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if rising else mask
        self.image.paste(filtered(colour, self.tint), box, thick.point(lambda depth: depth * strength))

    def _band(self, top: float, bottom: float) -> tuple[tuple[int, int, int, int], Image.Image]:
        first, last = round(self._pixel((0, top))[1]), round(self._pixel((0, bottom))[1])
        box = (0, first, self.image.width, last)
        return box, Image.linear_gradient("L").resize((box[2], last - first))

    @property
    def _scale(self) -> float:
        return math.hypot(self.matrix[0], self.matrix[3])

    def _pixel(self, point: Point) -> Point:
        a, b, c, d, e, f = self.matrix
        x, y = point
        return a * x + b * y + c, d * x + e * y + f

    def _ink(self, colour: Colour, alpha: float) -> tuple[int, int, int, int]:
        return (*filtered(colour, self.tint), round(alpha * 255))


#: Pillow's radial gradient is 255 in the corners and 181 at the edges: light must be gone at 181 already.
_FADING = [max(0.0, 255 * (1 - far / 181)) for far in range(256)]

_CIRCLE: list[Point] = [(math.cos(step * math.tau / 64), math.sin(step * math.tau / 64)) for step in range(65)]


def smooth(points: Sequence[Point], *, closed: bool, steps: int = 10) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    count = len(points)
    ends = range(count) if closed else range(count - 1)
    curve: list[Point] = []
    for index in ends:
        if closed:
            a, b, c, d = (points[(index + k) % count] for k in (-1, 0, 1, 2))
        else:
            a, b, c, d = (points[min(max(index + k, 0), count - 1)] for k in (-1, 0, 1, 2))
        curve += [_between(a, b, c, d, step / steps) for step in range(steps)]
    return curve if closed else [*curve, points[-1]]


def _between(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    x, y = (
        0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)
        for p, q, r, s in zip(a, b, c, d, strict=True)
    )
    return x, y
