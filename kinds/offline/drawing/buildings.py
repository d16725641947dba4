"""Houses, castles and other buildings: scenery, and subjects of their own."""

from kinds.offline.drawing.canvas import Brush
from kinds.offline.drawing.look import Look
from kinds.offline.drawing.palette import (
    BLUE,
    CREAM,
    GLOW,
    GOLD,
    INDIGO,
    PINK,
    RED,
    STONE,
    WHITE,
    WOOD,
    Colour,
    darker,
    lighter,
    mix,
    rgb,
)  # fmt: skip

ROOFS = (rgb("#d96f56"), rgb("#5b86b5"), rgb("#c4894f"), rgb("#7f9b63"))
WALLS = (CREAM, rgb("#f7e0b8"), rgb("#f5cdb8"), rgb("#dfe8df"))
#: Light as much bluer than red as this is night light.
_MOONLIT = 18
_PANE = rgb("#8fb9d8")


def window(brush: Brush, x: float, y: float, width: float, high: float) -> None:
    """A window: lit in the dark, blue by day."""
    dark = brush.tint[2] - brush.tint[0] > _MOONLIT
    pane = brush.lit() if dark else brush
    if dark:
        pane.glow(x + width / 2, y + high / 2, width * 1.8, GLOW, 0.45)
    pane.box(x, y, width, high, GLOW if dark else _PANE, round_by=min(width, high) * 0.18)
    frame = darker(WOOD, 0.25)
    brush.box(x + width / 2 - 0.006, y, 0.012, high, frame)
    brush.box(x, y + high / 2 - 0.006, width, 0.012, frame)


def house(brush: Brush, look: Look) -> None:
    cottage(brush, WALLS[look.style % 4], look.coat)


def cottage(brush: Brush, wall: Colour, roof: Colour) -> None:
    """A small house with a door, two windows and a smoking chimney."""
    brush.box(0.17, -0.95, 0.12, 0.3, darker(wall, 0.25))
    for x, y, r in ((0.26, -1.02, 0.035), (0.31, -1.1, 0.045), (0.39, -1.17, 0.055)):
        brush.circle(x, y, r, WHITE, 0.6)
    brush.box(-0.42, -0.52, 0.84, 0.52, wall)
    brush.box(0.28, -0.52, 0.14, 0.52, darker(wall, 0.07))
    brush.polygon([(-0.52, -0.48), (-0.3, -0.88), (0.3, -0.88), (0.52, -0.48)], roof)
    for row, y in enumerate((-0.78, -0.68, -0.58)):
        brush.box(-0.36 - row * 0.055, y, 0.72 + row * 0.11, 0.014, darker(roof, 0.15))
    brush.box(-0.1, -0.32, 0.2, 0.32, darker(WOOD, 0.08), round_by=0.06)
    brush.circle(0.05, -0.15, 0.015, GOLD)
    window(brush, -0.35, -0.38, 0.17, 0.18)
    window(brush, 0.18, -0.38, 0.17, 0.18)


def castle(brush: Brush, look: Look) -> None:
    wall, roof = lighter(STONE, 0.45), look.coat
    for x, high, half in ((-0.42, 0.62, 0.12), (0.42, 0.62, 0.12), (-0.2, 0.84, 0.11), (0.22, 0.76, 0.1)):
        _tower(brush.at(x, 0), high, half, wall, roof)
    brush.box(-0.4, -0.42, 0.8, 0.42, lighter(wall, 0.1))
    for index in range(7):
        brush.box(-0.4 + index * 0.12, -0.48, 0.08, 0.08, lighter(wall, 0.1))
    brush.box(-0.12, -0.28, 0.24, 0.28, darker(WOOD, 0.2), round_by=0.1)
    brush.box(-0.12, -0.1, 0.24, 0.1, darker(WOOD, 0.2))
    for x in (-0.05, 0.04):
        brush.box(x, -0.27, 0.014, 0.27, darker(WOOD, 0.45))
    for x in (-0.28, 0.22):
        window(brush, x, -0.32, 0.07, 0.11)


def _tower(brush: Brush, high: float, half: float, wall: Colour, roof: Colour) -> None:
    body = high * 0.7
    brush.box(-half, -body, half * 2, body, wall)
    brush.box(half * 0.4, -body, half * 0.6, body, darker(wall, 0.1))
    brush.polygon([(-half * 1.25, -body), (0, -high - 0.1), (half * 1.25, -body)], roof)
    brush.polygon([(0, -high - 0.1), (half * 1.25, -body), (half * 0.4, -body)], darker(roof, 0.14))
    brush.box(-0.006, -high - 0.2, 0.012, 0.11, WOOD)
    brush.polygon([(0.0, -high - 0.2), (0.11, -high - 0.165), (0.0, -high - 0.13)], RED)
    window(brush, -half * 0.35, -body * 0.8, half * 0.7, half)


def tower(brush: Brush, look: Look) -> None:
    brush.box(-0.2, -0.66, 0.4, 0.66, lighter(STONE, 0.4))
    brush.box(0.08, -0.66, 0.12, 0.66, lighter(STONE, 0.2))
    brush.polygon([(-0.27, -0.64), (0, -1.0), (0.27, -0.64)], look.coat)
    brush.box(-0.09, -0.2, 0.18, 0.2, WOOD, round_by=0.06)
    window(brush, -0.07, -0.55, 0.14, 0.15)


def lighthouse(brush: Brush, _: Look) -> None:
    brush.polygon([(-0.17, 0), (-0.11, -0.72), (0.11, -0.72), (0.17, 0)], CREAM)
    for low, high in ((0.08, 0.24), (0.4, 0.56)):
        left, right = 0.17 - 0.083 * low, 0.17 - 0.083 * high
        brush.polygon([(-left, -low), (-right, -high), (right, -high), (left, -low)], RED)
    brush.box(-0.15, -0.75, 0.3, 0.04, INDIGO)
    shine = brush.lit()
    shine.glow(0, -0.82, 0.32, GLOW, 0.6)
    shine.box(-0.08, -0.88, 0.16, 0.13, GLOW)
    brush.polygon([(-0.12, -0.87), (0, -1.0), (0.12, -0.87)], RED)
    brush.box(-0.05, -0.13, 0.1, 0.13, WOOD, round_by=0.04)


def barn(brush: Brush, _: Look) -> None:
    red = rgb("#c3594a")
    brush.polygon([(-0.5, 0), (-0.5, -0.52), (-0.34, -0.76), (0, -0.92), (0.34, -0.76), (0.5, -0.52), (0.5, 0)], red)
    brush.stroke([(-0.56, -0.48), (-0.36, -0.79), (0, -0.96)], 0.045, darker(red, 0.35))
    brush.stroke([(0.56, -0.48), (0.36, -0.79), (0, -0.96)], 0.045, darker(red, 0.35))
    brush.box(-0.2, -0.38, 0.4, 0.38, CREAM)
    brush.box(-0.17, -0.35, 0.34, 0.35, darker(red, 0.1))
    brush.polygon([(-0.17, -0.35), (-0.13, -0.35), (0.17, 0), (0.13, 0)], CREAM)
    brush.polygon([(0.17, -0.35), (0.13, -0.35), (-0.17, 0), (-0.13, 0)], CREAM)
    window(brush, -0.09, -0.7, 0.18, 0.16)


def windmill(brush: Brush, look: Look) -> None:
    brush.polygon([(-0.22, 0), (-0.13, -0.62), (0.13, -0.62), (0.22, 0)], CREAM)
    brush.polygon([(-0.17, -0.6), (0, -0.78), (0.17, -0.6)], look.coat)
    brush.box(-0.06, -0.18, 0.12, 0.18, WOOD, round_by=0.04)
    window(brush, -0.06, -0.42, 0.12, 0.11)
    hub = brush.at(0, -0.6)
    for turn in (20, 110, 200, 290):
        sail = hub.at(0, 0, turn=turn)
        sail.box(-0.01, -0.4, 0.02, 0.4, WOOD)
        sail.box(0.0, -0.4, 0.1, 0.3, mix(CREAM, WHITE, 0.5))
    brush.circle(0, -0.6, 0.03, WOOD)


def tent(brush: Brush, look: Look) -> None:
    brush.polygon([(-0.62, 0), (0, -0.85), (0.62, 0)], look.coat)
    brush.polygon([(0.1, 0), (0, -0.85), (0.62, 0)], darker(look.coat, 0.12))
    brush.polygon([(-0.22, 0), (0, -0.62), (0.16, 0)], INDIGO)
    brush.polygon([(-0.22, 0), (0, -0.62), (-0.1, 0)], lighter(look.coat, 0.4))
    brush.box(-0.008, -0.98, 0.016, 0.16, WOOD)
    brush.polygon([(0, -0.98), (0.14, -0.93), (0, -0.88)], GOLD)


def igloo(brush: Brush, _: Look) -> None:
    ice = rgb("#e2edf8")
    brush.blob([(-0.6, 0), (-0.52, -0.42), (0, -0.72), (0.52, -0.42), (0.6, 0), (0, 0.03)], ice)
    for y, half in ((-0.18, 0.56), (-0.38, 0.49), (-0.56, 0.32)):
        brush.stroke([(-half, y), (0, y - 0.05), (half, y)], 0.014, rgb("#b9cce2"))
    brush.blob([(-0.2, 0.01), (-0.2, -0.2), (0, -0.32), (0.2, -0.2), (0.2, 0.01)], lighter(ice, 0.3))
    brush.blob([(-0.13, 0.01), (-0.13, -0.16), (0, -0.24), (0.13, -0.16), (0.13, 0.01)], INDIGO)


def bridge(brush: Brush, _: Look) -> None:
    """An arched stone bridge over a little water, two units wide."""
    brush.ellipse(0, -0.02, 0.75, 0.09, rgb("#7cc0d8"))
    arch = [(-0.95, 0.02), (-0.6, -0.42), (0, -0.62), (0.6, -0.42), (0.95, 0.02)]
    opening = [(0.55, 0.02), (0.36, -0.24), (0, -0.36), (-0.36, -0.24), (-0.55, 0.02)]
    brush.polygon([*arch, *opening], STONE)
    brush.stroke(arch, 0.07, lighter(STONE, 0.3))
    for x, y in ((-0.7, -0.12), (0.7, -0.12), (-0.42, -0.4), (0.42, -0.4)):
        brush.box(x - 0.06, y, 0.12, 0.05, darker(STONE, 0.12), round_by=0.02)


def shop(brush: Brush, look: Look) -> None:
    wall = WALLS[look.style % 4]
    brush.box(-0.45, -0.85, 0.9, 0.85, wall)
    brush.box(-0.48, -0.9, 0.96, 0.09, darker(wall, 0.25))
    for index in range(6):
        colour = look.coat if index % 2 else CREAM
        brush.polygon([(-0.45 + index * 0.15, -0.58), (-0.3 + index * 0.15, -0.58), (-0.285 + index * 0.15, -0.42),
                       (-0.465 + index * 0.15, -0.42)], colour)  # fmt: skip
    window(brush, -0.38, -0.38, 0.4, 0.26)
    brush.box(0.12, -0.38, 0.22, 0.38, mix(BLUE, PINK, 0.3), round_by=0.03)
    window(brush, -0.3, -0.78, 0.16, 0.14)
    window(brush, 0.14, -0.78, 0.16, 0.14)
