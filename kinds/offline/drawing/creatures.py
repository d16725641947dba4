"""Animals with a shape of their own: birds, swimmers, crawlers and large beasts."""

from dataclasses import replace

from kinds.offline.drawing.canvas import Brush
from kinds.offline.drawing.look import Look
from kinds.offline.drawing.palette import (
    AMBER,
    BLUSH,
    CREAM,
    GOLD,
    GREEN,
    INDIGO,
    INK,
    PINK,
    WHITE,
    darker,
    lighter,
    mix,
    rgb,
)  # fmt: skip
from kinds.offline.drawing.plush import cheeks, eyes, plush


def eye(brush: Brush, x: float, y: float, size: float = 0.035) -> None:
    """The one eye of an animal seen from the side."""
    brush.circle(x, y, size, INK)
    brush.circle(x + size * 0.3, y - size * 0.35, size * 0.34, WHITE)


def owl(brush: Brush, look: Look) -> None:
    wing = darker(look.coat, 0.2)
    for side in (-1, 1):
        brush.polygon([(side * 0.34, -0.66), (side * 0.36, -1.0), (side * 0.1, -0.88)], look.coat)
    brush.blob([(0, -0.94), (0.33, -0.82), (0.38, -0.42), (0.24, -0.07), (0, -0.03), (-0.24, -0.07), (-0.38, -0.42),
                (-0.33, -0.82)], look.coat)  # fmt: skip
    brush.ellipse(0, -0.3, 0.23, 0.25, look.trim)
    for row, y in enumerate((-0.4, -0.3, -0.2)):
        for x in (-0.12, 0.0, 0.12) if row % 2 == 0 else (-0.06, 0.06):
            brush.stroke([(x - 0.035, y), (x, y + 0.03), (x + 0.035, y)], 0.016, mix(look.trim, look.coat, 0.6))
    lift = -55 if look.wave else 0
    brush.at(0.31, -0.52, turn=lift).ellipse(0.03, 0.16, 0.1, 0.23, wing, turn=-10)
    brush.at(-0.31, -0.52).ellipse(-0.03, 0.16, 0.1, 0.23, wing, turn=10)
    for x in (-0.155, 0.155):
        brush.circle(x, -0.68, 0.165, look.trim)
        brush.circle(x, -0.68, 0.115, WHITE)
        brush.circle(x, -0.68, 0.085, GOLD)
        brush.circle(x, -0.68, 0.055, INK)
        brush.circle(x - 0.02, -0.705, 0.02, WHITE)
    brush.polygon([(-0.055, -0.62), (0.055, -0.62), (0, -0.49)], AMBER)
    for x in (-0.13, 0.13):
        for dx in (-0.05, 0.0, 0.05):
            brush.ellipse(x + dx, -0.03, 0.028, 0.04, AMBER)


def penguin(brush: Brush, look: Look) -> None:
    coat = look.coat
    for side in (-1, 1):
        lift = -70 if look.wave and side > 0 else 0
        brush.at(side * 0.26, -0.58, turn=lift).ellipse(
            side * 0.04, 0.17, 0.065, 0.2, darker(coat, 0.15), turn=-side * 12
        )
        brush.ellipse(side * 0.12, -0.03, 0.11, 0.045, AMBER)
    brush.blob([(0, -1.0), (0.24, -0.84), (0.31, -0.4), (0.22, -0.06), (0, -0.02), (-0.22, -0.06), (-0.31, -0.4),
                (-0.24, -0.84)], coat)  # fmt: skip
    brush.ellipse(0, -0.33, 0.21, 0.29, WHITE)
    head = brush.at(0, -0.73)
    for x in (-0.09, 0.09):
        head.ellipse(x, -0.02, 0.11, 0.12, WHITE)
    eyes(head, 0.09, -0.03)
    cheeks(head, 0.15, 0.05)
    head.blob([(-0.06, 0.03), (0, 0.0), (0.06, 0.03), (0, 0.09)], AMBER)


def bird(brush: Brush, look: Look) -> None:
    """A small round bird, seen from the side, looking right."""
    brush.polygon([(-0.2, -0.5), (-0.72, -0.72), (-0.62, -0.38)], darker(look.coat, 0.2))
    for x in (-0.04, 0.1):
        brush.stroke([(x, -0.2), (x, -0.02), (x + 0.09, -0.01)], 0.03, AMBER)
    brush.polygon([(0.36, -0.72), (0.56, -0.64), (0.36, -0.56)], AMBER)
    brush.blob(
        [(0.15, -0.95), (0.4, -0.8), (0.38, -0.48), (0.15, -0.2), (-0.15, -0.2), (-0.4, -0.5), (-0.1, -0.7)], look.coat
    )
    brush.ellipse(0.14, -0.4, 0.2, 0.18, look.trim)
    brush.ellipse(-0.13, -0.48, 0.2, 0.12, darker(look.coat, 0.22), turn=-55 if look.wave else 14)
    brush.stroke([(0.14, -0.93), (0.1, -1.04)], 0.03, look.coat)
    eye(brush, 0.23, -0.7, 0.045)
    brush.ellipse(0.3, -0.58, 0.045, 0.03, BLUSH, 0.6)


def duck(brush: Brush, look: Look) -> None:
    for x in (-0.1, 0.08):
        brush.stroke([(x, -0.15), (x, -0.02), (x + 0.1, -0.01)], 0.04, AMBER)
    brush.blob(
        [(-0.55, -0.5), (-0.35, -0.42), (0.15, -0.5), (0.34, -0.34), (0.22, -0.12), (-0.22, -0.1), (-0.44, -0.25)],
        look.coat,
    )
    brush.ellipse(0.42, -0.72, 0.13, 0.05, AMBER, turn=6)
    brush.stroke([(0.18, -0.4), (0.18, -0.6)], 0.24, look.coat)
    brush.circle(0.2, -0.76, 0.19, look.coat)
    brush.ellipse(-0.1, -0.34, 0.22, 0.12, darker(look.coat, 0.12), turn=-10)
    eye(brush, 0.27, -0.79)
    brush.ellipse(0.21, -0.7, 0.04, 0.028, BLUSH, 0.6)


def hen(brush: Brush, look: Look) -> None:
    red = rgb("#dd5a4f")
    for x in (0.12, 0.2, 0.28):
        brush.circle(x, -0.97, 0.06, red)
    brush.ellipse(0.36, -0.66, 0.04, 0.07, red)
    for x in (-0.1, 0.08):
        brush.stroke([(x, -0.18), (x, -0.02), (x + 0.09, -0.01)], 0.035, AMBER)
    brush.blob([(-0.55, -0.8), (-0.3, -0.55), (0.02, -0.6), (0.1, -0.92), (0.32, -0.9), (0.36, -0.5), (0.18, -0.18),
                (-0.22, -0.16), (-0.5, -0.42)], look.coat)  # fmt: skip
    brush.ellipse(-0.14, -0.42, 0.2, 0.13, darker(look.coat, 0.13), turn=-12)
    brush.polygon([(0.35, -0.84), (0.5, -0.77), (0.35, -0.71)], AMBER)
    eye(brush, 0.24, -0.82)


def butterfly(brush: Brush, look: Look) -> None:
    for side in (-1, 1):
        brush.ellipse(side * 0.3, -0.68, 0.3, 0.25, look.coat, turn=side * -35)
        brush.ellipse(side * 0.24, -0.3, 0.2, 0.2, lighter(look.coat, 0.3))
        brush.circle(side * 0.34, -0.7, 0.11, look.trim)
        brush.circle(side * 0.25, -0.3, 0.07, look.trim)
        brush.stroke([(0, -0.82), (side * 0.08, -0.96), (side * 0.16, -1.0)], 0.02, INK)
    brush.ellipse(0, -0.5, 0.06, 0.33, INK)


def bee(brush: Brush, _: Look) -> None:
    for x, turn in ((-0.12, -25), (0.14, 20)):
        brush.at(x, -0.72, turn=turn).ellipse(0, -0.12, 0.15, 0.24, rgb("#e3f0f6"))
    brush.ellipse(0, -0.42, 0.5, 0.33, GOLD)
    for x, high in ((-0.22, 0.29), (0.02, 0.33)):
        brush.box(x - 0.06, -0.42 - high + 0.01, 0.12, high * 2 - 0.02, INK)
    eye(brush, 0.31, -0.48, 0.05)
    brush.ellipse(0.28, -0.34, 0.055, 0.035, BLUSH, 0.7)
    brush.stroke([(0.3, -0.7), (0.4, -0.88)], 0.025, INK)


def dragon(brush: Brush, look: Look) -> None:
    plush(brush, look, behind=_wings, ears=_horns, face=_dragon_face)
    for y in (-0.34, -0.25, -0.16, -0.08):
        brush.stroke([(-0.1, y), (0, y + 0.015), (0.1, y)], 0.012, darker(look.trim, 0.2))


def _wings(brush: Brush, look: Look) -> None:
    wing = mix(look.coat, AMBER, 0.5)
    for side in (-1, 1):
        brush.polygon([(side * 0.1, -0.46), (side * 0.34, -0.86), (side * 0.62, -0.72), (side * 0.52, -0.6),
            (side * 0.56, -0.46),
                       (side * 0.42, -0.42), (side * 0.38, -0.26), (side * 0.22, -0.32)], wing)  # fmt: skip
        for x, y in ((0.62, -0.72), (0.56, -0.46), (0.38, -0.26)):
            brush.stroke([(side * 0.14, -0.44), (side * x, y)], 0.018, darker(wing, 0.15))
    brush.stroke([(0.1, -0.08), (0.36, -0.04), (0.52, -0.14), (0.5, -0.26)], 0.09, darker(look.coat, 0.1))
    brush.polygon([(0.42, -0.24), (0.5, -0.4), (0.6, -0.25)], wing)


def _horns(head: Brush, look: Look) -> None:
    for side in (-1, 1):
        head.blob([(side * 0.09, -0.18), (side * 0.16, -0.38), (side * 0.2, -0.16)], CREAM)
        head.blob(
            [(side * 0.22, -0.06), (side * 0.38, -0.13), (side * 0.33, 0.04), (side * 0.24, 0.06)],
            mix(look.coat, AMBER, 0.4),
        )
    for x, size in ((-0.0, 0.11),):
        head.polygon([(x - 0.06, -0.2), (x, -0.22 - size), (x + 0.06, -0.2)], mix(look.coat, AMBER, 0.5))


def _dragon_face(head: Brush, look: Look) -> None:
    head.ellipse(0, 0.1, 0.185, 0.11, lighter(look.coat, 0.25))
    eyes(head, 0.115, -0.04, 0.045)
    for x in (-0.05, 0.05):
        head.ellipse(x, 0.065, 0.017, 0.012, darker(look.coat, 0.5))
    head.stroke([(-0.1, 0.12), (0, 0.16), (0.1, 0.12)], 0.014, INK)
    head.polygon([(0.055, 0.143), (0.085, 0.128), (0.075, 0.175)], WHITE)
    cheeks(head, 0.2, 0.06)


def dinosaur(brush: Brush, look: Look) -> None:
    """A long-necked dinosaur, looking right."""
    for x in (-0.3, -0.12, 0.08, 0.22):
        brush.box(x - 0.06, -0.26, 0.13, 0.26, darker(look.coat, 0.1), round_by=0.05)
    brush.stroke([(-0.3, -0.3), (-0.6, -0.2), (-0.86, -0.3)], 0.12, look.coat)
    brush.ellipse(-0.04, -0.34, 0.4, 0.22, look.coat)
    brush.stroke([(0.22, -0.38), (0.36, -0.56), (0.38, -0.82)], 0.17, look.coat)
    brush.ellipse(0.46, -0.88, 0.19, 0.12, look.coat)
    brush.ellipse(-0.02, -0.24, 0.28, 0.1, look.trim)
    for x, y in ((-0.25, -0.5), (-0.08, -0.55), (0.09, -0.53), (0.23, -0.6), (0.28, -0.76)):
        brush.polygon([(x - 0.06, y), (x - 0.03, y - 0.11), (x + 0.05, y + 0.01)], mix(look.coat, AMBER, 0.55))
    eye(brush, 0.46, -0.92)
    brush.stroke([(0.5, -0.84), (0.56, -0.83), (0.61, -0.86)], 0.014, INK)
    brush.ellipse(0.48, -0.85, 0.035, 0.022, BLUSH, 0.6)


def elephant(brush: Brush, look: Look) -> None:
    shade = darker(look.coat, 0.13)
    brush.stroke([(-0.5, -0.5), (-0.62, -0.36), (-0.6, -0.24)], 0.035, shade)
    for x in (-0.34, -0.1, 0.14, 0.3):
        brush.box(x - 0.09, -0.32, 0.18, 0.32, shade if x in {-0.1, 0.3} else look.coat, round_by=0.06)
    brush.ellipse(-0.08, -0.5, 0.46, 0.3, look.coat)
    tip = (0.86, -0.82) if look.wave else (0.74, -0.1)
    middle = (0.78, -0.5) if look.wave else (0.66, -0.3)
    brush.stroke([(0.5, -0.6), (0.66, -0.46), middle, tip], 0.13, look.coat)
    brush.circle(0.4, -0.66, 0.27, look.coat)
    brush.blob([(0.26, -0.9), (0.3, -0.5), (0.12, -0.38), (-0.1, -0.5), (-0.08, -0.82), (0.1, -0.98)], shade)
    brush.blob(
        [(0.22, -0.82), (0.24, -0.54), (0.1, -0.46), (-0.03, -0.56), (0.0, -0.78), (0.1, -0.88)],
        mix(PINK, look.coat, 0.35),
    )
    brush.stroke([(0.52, -0.46), (0.6, -0.4), (0.64, -0.42)], 0.04, CREAM)
    eye(brush, 0.49, -0.7, 0.036)
    brush.ellipse(0.46, -0.58, 0.045, 0.03, BLUSH, 0.6)


def horse(brush: Brush, look: Look) -> None:
    """Looking right, with mane and tail in a colour of their own."""
    mane = darker(look.coat, 0.45)
    _horse(brush, look, mane_colours=(mane, mane, mane))


def unicorn(brush: Brush, look: Look) -> None:
    _horse(brush, look, mane_colours=(rgb("#ee9bb1"), rgb("#b79be0"), rgb("#86c5e2")))
    brush.polygon([(0.42, -0.93), (0.58, -1.24), (0.52, -0.89)], GOLD)
    brush.stroke([(0.475, -0.99), (0.525, -0.98)], 0.012, darker(GOLD, 0.2))


def _horse(brush: Brush, look: Look, *, mane_colours: tuple[tuple[int, int, int], ...]) -> None:
    shade = darker(look.coat, 0.12)
    for index, colour in enumerate(mane_colours):
        brush.stroke([(-0.4, -0.5), (-0.6, -0.46 + index * 0.05), (-0.62 + index * 0.05, -0.14)], 0.09, colour)
    for x in (-0.3, -0.18, 0.14, 0.26):
        brush.box(x - 0.05, -0.34, 0.1, 0.34, shade if x in {-0.18, 0.14} else look.coat)
        brush.box(x - 0.055, -0.06, 0.11, 0.06, darker(look.coat, 0.5), round_by=0.02)
    brush.ellipse(-0.02, -0.45, 0.42, 0.21, look.coat)
    brush.polygon([(0.1, -0.5), (0.3, -0.9), (0.5, -0.8), (0.38, -0.4)], look.coat)
    for index, colour in enumerate(mane_colours):
        brush.circle(0.29 - index * 0.05, -0.88 + index * 0.14, 0.09, colour)
        brush.circle(0.26 - index * 0.06, -0.81 + index * 0.14, 0.085, colour)
    brush.polygon([(0.33, -0.9), (0.36, -1.06), (0.45, -0.92)], look.coat)
    brush.blob(
        [(0.3, -0.86), (0.46, -0.95), (0.62, -0.82), (0.78, -0.68), (0.72, -0.57), (0.5, -0.63), (0.34, -0.7)],
        look.coat,
    )
    brush.ellipse(0.7, -0.64, 0.085, 0.07, look.trim)
    brush.circle(0.73, -0.66, 0.013, INK)
    brush.circle(0.42, -0.92, 0.06, mane_colours[0])
    eye(brush, 0.51, -0.8, 0.035)
    brush.ellipse(0.52, -0.7, 0.045, 0.03, BLUSH, 0.6)


def cow(brush: Brush, look: Look) -> None:
    white = replace(look, coat=rgb("#f7f2ea"), trim=PINK)
    patch = darker(look.coat, 0.1)
    brush.stroke([(-0.42, -0.58), (-0.56, -0.4), (-0.52, -0.22)], 0.03, patch)
    for x in (-0.32, -0.18, 0.16, 0.3):
        brush.box(x - 0.055, -0.3, 0.11, 0.3, white.coat)
        brush.box(x - 0.06, -0.06, 0.12, 0.06, INK, round_by=0.02)
    brush.ellipse(-0.04, -0.24, 0.1, 0.06, PINK)
    brush.box(-0.46, -0.7, 0.88, 0.44, white.coat, round_by=0.17)
    for x, y, rx, ry in ((-0.24, -0.56, 0.14, 0.11), (0.08, -0.4, 0.12, 0.09), (0.18, -0.64, 0.09, 0.06)):
        brush.ellipse(x, y, rx, ry, patch)
    for side in (-1, 1):
        brush.ellipse(0.48 + side * 0.23, -0.78, 0.09, 0.05, patch, turn=side * 15)
        brush.stroke([(0.48 + side * 0.1, -0.9), (0.48 + side * 0.14, -1.0)], 0.04, CREAM)
    brush.ellipse(0.48, -0.74, 0.18, 0.21, white.coat)
    brush.ellipse(0.42, -0.8, 0.08, 0.1, patch)
    brush.ellipse(0.48, -0.62, 0.16, 0.1, PINK)
    for x in (0.42, 0.54):
        brush.circle(x, -0.62, 0.018, darker(PINK, 0.5))
    eyes(brush.at(0.48, -0.79), 0.08, 0, 0.03)


def snake(brush: Brush, look: Look) -> None:
    line = [(-0.7, -0.06), (-0.35, -0.2), (0, -0.06), (0.34, -0.16), (0.4, -0.5), (0.5, -0.72)]
    brush.stroke(line, 0.17, look.coat)
    brush.ellipse(0.56, -0.78, 0.2, 0.14, look.coat, turn=10)
    for x, y in ((-0.5, -0.14), (-0.2, -0.15), (0.12, -0.09), (0.38, -0.3)):
        brush.circle(x, y, 0.045, mix(look.coat, GREEN, 0.4) if look.style % 2 else look.trim)
    eye(brush, 0.6, -0.82, 0.036)
    brush.stroke([(0.74, -0.74), (0.86, -0.72)], 0.018, rgb("#dd5a4f"))


def monster(brush: Brush, look: Look) -> None:
    """A friendly one."""
    for side in (-1, 1):
        brush.blob([(side * 0.14, -0.9), (side * 0.25, -1.08), (side * 0.28, -0.84)], CREAM)
        hand = (side * 0.55, -0.66) if look.wave and side > 0 else (side * 0.46, -0.22)
        brush.stroke([(side * 0.3, -0.45), hand], 0.12, look.coat)
        brush.ellipse(side * 0.15, -0.03, 0.13, 0.05, darker(look.coat, 0.15))
    brush.blob([(0, -0.98), (0.3, -0.86), (0.38, -0.45), (0.32, -0.06), (0, -0.02), (-0.32, -0.06), (-0.38, -0.45),
        (-0.3, -0.86)],
               look.coat)  # fmt: skip
    brush.ellipse(0, -0.25, 0.22, 0.19, look.trim)
    for x in (-0.12, 0.12):
        brush.circle(x, -0.7, 0.105, WHITE)
        brush.circle(x + 0.01, -0.69, 0.06, INDIGO)
        brush.circle(x - 0.01, -0.715, 0.02, WHITE)
    brush.blob([(-0.16, -0.54), (0, -0.52), (0.16, -0.54), (0.08, -0.44), (-0.08, -0.44)], INK)
    for x in (-0.08, 0.05):
        brush.polygon([(x, -0.535), (x + 0.05, -0.53), (x + 0.025, -0.485)], WHITE)
    cheeks(brush.at(0, -0.6), 0.24, 0.02)
