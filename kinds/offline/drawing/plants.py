"""Trees, flowers and other plants: scenery, and subjects of their own."""

from kinds.offline.drawing.canvas import Brush
from kinds.offline.drawing.look import Look
from kinds.offline.drawing.palette import (
    AMBER,
    CREAM,
    GOLD,
    LEAF,
    PINE,
    RED,
    SNOW,
    WOOD,
    Colour,
    darker,
    lighter,
    mix,
    rgb,
)  # fmt: skip


def tree(brush: Brush, look: Look) -> None:
    leafy(brush, LEAF if look.style % 2 else rgb("#77ad55"))
    for x, y in ((-0.2, -0.62), (0.16, -0.8), (0.22, -0.52)):
        brush.circle(x, y, 0.035, RED)


def leafy(brush: Brush, leaves: Colour) -> None:
    """A round tree."""
    trunk = darker(WOOD, 0.1)
    brush.polygon([(-0.06, 0.0), (-0.035, -0.45), (0.035, -0.45), (0.06, 0.0)], trunk)
    brush.stroke([(0.0, -0.36), (0.13, -0.5)], 0.03, trunk)
    dark, light = darker(leaves, 0.14), lighter(leaves, 0.16)
    for x, y, r in ((-0.2, -0.52, 0.18), (0.2, -0.52, 0.18), (0.0, -0.7, 0.27)):
        brush.circle(x, y, r, dark)
    for x, y, r in ((-0.2, -0.56, 0.16), (0.18, -0.57, 0.16), (-0.01, -0.73, 0.245)):
        brush.circle(x, y, r, leaves)
    for x, y, r in ((-0.1, -0.82, 0.08), (-0.26, -0.62, 0.05), (0.14, -0.64, 0.05)):
        brush.circle(x, y, r, light, 0.7)


def pine(brush: Brush, look: Look) -> None:
    conifer(brush, PINE if look.style % 2 else mix(PINE, LEAF, 0.4), snowy=False)


def conifer(brush: Brush, needles: Colour, *, snowy: bool) -> None:
    """A fir in three tiers, with snow on them if `snowy`."""
    brush.box(-0.04, -0.16, 0.08, 0.16, darker(WOOD, 0.2))
    tiers = ((-0.12, 0.3, 0.42), (-0.36, 0.24, 0.38), (-0.6, 0.18, 0.38))
    for index, (base, half, high) in enumerate(tiers):
        shade = lighter(needles, 0.07 * index)
        brush.blob([(-half, base), (-half * 0.4, base - high * 0.5), (0, base - high), (half * 0.4, base - high * 0.5),
                    (half, base), (0, base + 0.04)], shade)  # fmt: skip
        if snowy:
            brush.blob([(-half * 0.5, base - high * 0.46), (0, base - high), (half * 0.5, base - high * 0.46),
                        (half * 0.2, base - high * 0.52), (0, base - high * 0.42), (-half * 0.2, base - high * 0.54)],
                       SNOW)  # fmt: skip


def palm(brush: Brush, _: Look) -> None:
    brush.stroke([(-0.04, 0.0), (0.0, -0.35), (0.08, -0.7)], 0.06, rgb("#b08352"))
    for x, y in ((-0.3, -0.52), (-0.34, -0.72), (-0.12, -0.9), (0.22, -0.92), (0.46, -0.74), (0.42, -0.54)):
        middle = ((x + 0.08) / 2, (y - 0.7) / 2 - 0.1)
        brush.blob([(0.08, -0.74), (middle[0], middle[1] - 0.03), (x, y), (middle[0], middle[1] + 0.07)], LEAF)
    for x in (0.03, 0.11):
        brush.circle(x, -0.68, 0.035, darker(WOOD, 0.3))


def flower(brush: Brush, look: Look) -> None:
    stem = darker(LEAF, 0.05)
    brush.stroke([(0, 0), (0.03, -0.3), (0, -0.68)], 0.05, stem)
    brush.ellipse(0.16, -0.26, 0.16, 0.06, LEAF, turn=-30)
    brush.ellipse(-0.14, -0.2, 0.15, 0.06, LEAF, turn=30)
    head = brush.at(0, -0.72)
    for turn in range(0, 360, 60):
        head.at(0, 0, turn=turn).ellipse(0, -0.17, 0.1, 0.14, look.coat)
    brush.circle(0, -0.72, 0.1, GOLD)
    brush.circle(0, -0.72, 0.06, AMBER)


def blossom(brush: Brush, colour: Colour) -> None:
    """A small flower of a meadow, one unit high."""
    brush.stroke([(0, 0), (0.0, -0.75)], 0.1, darker(LEAF, 0.1))
    for x, y in ((-0.2, -0.8), (0.2, -0.8), (0.0, -1.0), (0.0, -0.62)):
        brush.circle(x, y, 0.19, colour)
    brush.circle(0, -0.8, 0.13, GOLD)


def mushroom(brush: Brush, look: Look) -> None:
    brush.blob([(-0.16, 0), (-0.12, -0.5), (0.12, -0.5), (0.16, 0), (0, 0.03)], CREAM)
    cap = look.coat
    brush.blob([(-0.48, -0.42), (-0.36, -0.78), (0, -0.98), (0.36, -0.78), (0.48, -0.42), (0, -0.36)], cap)
    for x, y, r in ((-0.2, -0.66, 0.08), (0.12, -0.8, 0.07), (0.26, -0.55, 0.06), (0.0, -0.52, 0.05)):
        brush.circle(x, y, r, CREAM)


def pumpkin(brush: Brush, _: Look) -> None:
    brush.stroke([(0, -0.66), (0.02, -0.82), (0.1, -0.9)], 0.08, LEAF)
    for x, share in ((-0.28, 0.12), (0.28, 0.12), (0.0, 0.0)):
        brush.ellipse(x, -0.35, 0.27, 0.35, darker(rgb("#ee8f3c"), share))
    brush.ellipse(-0.07, -0.4, 0.06, 0.2, lighter(rgb("#ee8f3c"), 0.3))


def cactus(brush: Brush, _: Look) -> None:
    green = rgb("#5f9f6c")
    brush.stroke([(0, 0.0), (0, -0.9)], 0.2, green)
    brush.stroke([(0, -0.35), (-0.25, -0.4), (-0.27, -0.65)], 0.13, green)
    brush.stroke([(0, -0.25), (0.25, -0.3), (0.27, -0.55)], 0.13, green)
    for y in (-0.2, -0.45, -0.7):
        brush.stroke([(0.0, y), (0.0, y - 0.08)], 0.02, lighter(green, 0.5))
    brush.circle(0, -1.0, 0.06, rgb("#ef88a8"))


def bush(brush: Brush, colour: Colour) -> None:
    """A low bush, one unit high and two wide."""
    for x, r in ((-0.6, 0.42), (0.55, 0.45), (0.0, 0.62)):
        brush.circle(x, -r * 0.8, r, colour)
    brush.box(-0.95, -0.4, 1.9, 0.42, colour, round_by=0.2)
    for x, y in ((-0.5, -0.5), (0.1, -0.8), (0.5, -0.45)):
        brush.circle(x, y, 0.1, lighter(colour, 0.25))


def tuft(brush: Brush, colour: Colour) -> None:
    """A few blades of grass."""
    for dx, lean in ((-0.3, -0.35), (0.0, 0.05), (0.3, 0.4)):
        brush.polygon([(dx - 0.12, 0), (dx + lean, -1.0), (dx + 0.12, 0)], colour)
