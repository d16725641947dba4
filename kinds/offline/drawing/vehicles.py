"""What carries people: on wheels, on water and through the air."""

from kinds.offline.drawing.canvas import Brush
from kinds.offline.drawing.look import Look
from kinds.offline.drawing.palette import (
    AMBER,
    BLUE,
    CREAM,
    GLOW,
    GOLD,
    INDIGO,
    INK,
    RED,
    SLATE,
    WHITE,
    WOOD,
    darker,
    lighter,
    rgb,
)  # fmt: skip


def boat(brush: Brush, look: Look) -> None:
    brush.box(-0.02, -0.95, 0.04, 0.72, WOOD)
    brush.blob([(0.04, -0.92), (0.26, -0.66), (0.42, -0.34), (0.04, -0.34)], CREAM)
    brush.blob([(-0.04, -0.84), (-0.2, -0.6), (-0.32, -0.36), (-0.04, -0.36)], lighter(look.coat, 0.45))
    brush.polygon([(0, -1.02), (0.17, -0.96), (0, -0.9)], RED)
    brush.blob([(-0.55, -0.27), (0.58, -0.27), (0.42, -0.03), (0.2, 0.0), (-0.2, 0.0), (-0.42, -0.05)], look.coat)
    brush.box(-0.56, -0.29, 1.14, 0.05, lighter(WOOD, 0.4), round_by=0.02)
    for x in (-0.22, 0.0, 0.22):
        brush.circle(x, -0.14, 0.045, CREAM)
        brush.circle(x, -0.14, 0.03, INDIGO)


def train(brush: Brush, look: Look) -> None:
    for x, y, r in ((0.44, -1.0, 0.07), (0.32, -1.1, 0.09), (0.14, -1.17, 0.11)):
        brush.circle(x, y, r, WHITE, 0.75)
    brush.box(-0.6, -0.84, 0.4, 0.66, look.coat, round_by=0.03)
    brush.box(-0.65, -0.9, 0.5, 0.08, darker(look.coat, 0.3), round_by=0.03)
    brush.box(-0.52, -0.74, 0.24, 0.24, rgb("#bfe0ea"), round_by=0.03)
    brush.box(-0.24, -0.54, 0.84, 0.36, lighter(look.coat, 0.15), round_by=0.09)
    brush.polygon([(0.36, -0.54), (0.32, -0.84), (0.54, -0.84), (0.5, -0.54)], INDIGO)
    brush.ellipse(0.06, -0.56, 0.1, 0.08, GOLD)
    brush.polygon([(0.58, -0.2), (0.8, -0.06), (0.5, -0.06)], RED)
    brush.box(-0.62, -0.24, 1.24, 0.07, INDIGO)
    _wheels(brush, ((-0.42, 0.16), (-0.04, 0.12), (0.22, 0.12), (0.46, 0.12)))


def _wheels(brush: Brush, wheels: tuple[tuple[float, float], ...]) -> None:
    for x, r in wheels:
        brush.circle(x, -r, r, INK)
        brush.circle(x, -r, r * 0.5, GOLD)


def car(brush: Brush, look: Look) -> None:
    brush.blob([(-0.42, -0.5), (-0.26, -0.9), (0.18, -0.9), (0.42, -0.5)], look.coat)
    for left in (-0.25, 0.03):
        brush.box(left, -0.8, 0.22, 0.24, rgb("#cfe8f0"), round_by=0.05)
    brush.box(-0.68, -0.56, 1.36, 0.4, look.coat, round_by=0.14)
    brush.box(-0.68, -0.3, 1.36, 0.05, lighter(look.coat, 0.5))
    brush.circle(0.62, -0.4, 0.07, GLOW)
    _wheels(brush, ((-0.36, 0.18), (0.36, 0.18)))


def bus(brush: Brush, look: Look) -> None:
    brush.box(-0.72, -0.95, 1.44, 0.82, look.coat, round_by=0.12)
    for index in range(4):
        brush.box(-0.63 + index * 0.32, -0.84, 0.26, 0.28, rgb("#cfe8f0"), round_by=0.05)
    brush.box(-0.72, -0.46, 1.44, 0.06, CREAM)
    brush.circle(0.66, -0.28, 0.05, GLOW)
    _wheels(brush, ((-0.4, 0.16), (0.4, 0.16)))


def rocket(brush: Brush, look: Look) -> None:
    flame = brush.lit()
    flame.glow(0, 0.05, 0.25, AMBER, 0.5)
    flame.blob([(-0.09, -0.14), (0.09, -0.14), (0.06, 0.02), (0, 0.14), (-0.06, 0.02)], AMBER)
    flame.blob([(-0.05, -0.14), (0.05, -0.14), (0, 0.05)], GLOW)
    for side in (-1, 1):
        brush.blob(
            [(side * 0.14, -0.4), (side * 0.34, -0.16), (side * 0.32, -0.02), (side * 0.12, -0.16)],
            darker(look.coat, 0.15),
        )
    brush.blob(
        [(0, -1.04), (0.14, -0.84), (0.19, -0.5), (0.12, -0.13), (-0.12, -0.13), (-0.19, -0.5), (-0.14, -0.84)], CREAM
    )
    brush.blob([(0, -1.05), (0.1, -0.92), (0.145, -0.78), (0, -0.8), (-0.145, -0.78), (-0.1, -0.92)], look.coat)
    brush.circle(0, -0.58, 0.1, look.coat)
    brush.circle(0, -0.58, 0.075, rgb("#bfe3f4"))
    brush.box(-0.025, -0.34, 0.05, 0.24, look.coat, round_by=0.02)


def aeroplane(brush: Brush, look: Look) -> None:
    brush.blob([(-0.6, -0.58), (-0.78, -0.9), (-0.56, -0.88), (-0.38, -0.6)], look.coat)
    brush.blob([(-0.66, -0.56), (0.3, -0.72), (0.6, -0.52), (0.4, -0.36), (-0.3, -0.38)], CREAM)
    brush.blob([(-0.05, -0.5), (0.22, -0.48), (-0.02, -0.14), (-0.22, -0.14)], look.coat)
    for x in (-0.2, -0.02, 0.16, 0.34):
        brush.circle(x, -0.58, 0.045, BLUE)
    brush.ellipse(0.62, -0.52, 0.03, 0.2, SLATE)


def hot_air_balloon(brush: Brush, look: Look) -> None:
    for x in (-0.09, 0.09):
        brush.stroke([(x, -0.14), (x * 2, -0.4)], 0.012, WOOD)
    stripes = (look.coat, CREAM, look.coat)
    for share, colour in zip((1.0, 0.66, 0.3), stripes, strict=True):
        brush.blob([(0, -1.04), (0.33 * share, -0.86), (0.36 * share, -0.62), (0.2 * share, -0.38), (0, -0.32),
            (-0.2 * share, -0.38),
                    (-0.36 * share, -0.62), (-0.33 * share, -0.86)], colour)  # fmt: skip
    brush.box(-0.12, -0.16, 0.24, 0.16, rgb("#b98150"), round_by=0.03)
    brush.box(-0.135, -0.18, 0.27, 0.045, darker(WOOD, 0.1), round_by=0.02)
