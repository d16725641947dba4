"""Animals of the water and of the slow and damp places beside it."""

from kinds.offline.drawing.canvas import Brush
from kinds.offline.drawing.creatures import eye
from kinds.offline.drawing.look import Look
from kinds.offline.drawing.palette import (
    BLUSH,
    INK,
    WHITE,
    darker,
    lighter,
    mix,
    rgb,
)  # fmt: skip
from kinds.offline.drawing.plush import cheeks, eyes, smile


def frog(brush: Brush, look: Look) -> None:
    limb = darker(look.coat, 0.12)
    for side in (-1, 1):
        brush.ellipse(side * 0.33, -0.19, 0.2, 0.17, limb, turn=side * 30)
        brush.ellipse(side * 0.36, -0.03, 0.17, 0.05, limb)
    brush.blob(
        [(0, -0.58), (0.27, -0.44), (0.3, -0.16), (0.16, -0.01), (-0.16, -0.01), (-0.3, -0.16), (-0.27, -0.44)],
        look.coat,
    )
    brush.ellipse(0, -0.2, 0.2, 0.18, look.trim)
    hand = (0.42, -0.62) if look.wave else (0.14, -0.03)
    brush.stroke([(0.2, -0.34), (0.26, -0.3), hand], 0.08, limb)
    brush.stroke([(-0.2, -0.34), (-0.23, -0.2), (-0.14, -0.03)], 0.08, limb)
    head = brush.at(0, -0.62, turn=look.tilt)
    for x in (-0.19, 0.19):
        head.circle(x, -0.17, 0.125, look.coat)
        head.circle(x, -0.18, 0.085, WHITE)
        head.circle(x, -0.175, 0.052, INK)
        head.circle(x - 0.018, -0.2, 0.018, WHITE)
    head.ellipse(0, 0.02, 0.37, 0.2, look.coat)
    head.stroke([(-0.23, 0.03), (-0.1, 0.11), (0.1, 0.11), (0.23, 0.03)], 0.018, darker(look.coat, 0.5))
    cheeks(head, 0.25, 0.09)


def fish(brush: Brush, look: Look) -> None:
    fin = darker(look.coat, 0.2)
    brush.blob([(-0.4, -0.5), (-0.75, -0.82), (-0.68, -0.5), (-0.75, -0.18)], fin)
    brush.blob([(-0.2, -0.72), (0.05, -0.98), (0.25, -0.74)], fin)
    brush.blob([(-0.1, -0.28), (0.02, -0.06), (0.15, -0.28)], fin)
    brush.ellipse(0.05, -0.5, 0.52, 0.3, look.coat)
    for x in (-0.2, 0.02):
        brush.stroke([(x, -0.73), (x + 0.06, -0.5), (x, -0.27)], 0.07, look.trim)
    brush.ellipse(0.02, -0.42, 0.11, 0.07, fin, turn=25)
    eye(brush, 0.34, -0.56, 0.055)
    brush.stroke([(0.43, -0.4), (0.47, -0.38), (0.51, -0.41)], 0.02, INK)
    brush.ellipse(0.33, -0.42, 0.05, 0.03, BLUSH, 0.6)


def whale(brush: Brush, look: Look) -> None:
    for x, y in ((0.1, -1.0), (0.22, -1.12), (0.36, -1.02)):
        brush.stroke([(0.24, -0.8), (0.23, -0.92), (x, y)], 0.035, rgb("#bfe4f2"))
    brush.blob(
        [(-0.62, -0.42), (-0.98, -0.86), (-0.82, -0.66), (-0.66, -0.92), (-0.6, -0.62), (-0.46, -0.42)], look.coat
    )
    brush.blob([(-0.7, -0.42), (-0.3, -0.5), (0.1, -0.78), (0.55, -0.7), (0.8, -0.36), (0.6, -0.06), (0.0, -0.02),
                (-0.5, -0.14)], look.coat)  # fmt: skip
    brush.blob([(0.78, -0.3), (0.6, -0.05), (0.0, -0.01), (-0.4, -0.14), (0.1, -0.2), (0.5, -0.26)], look.trim)
    for x in (0.0, 0.16, 0.32, 0.48):
        brush.stroke([(x, -0.19 - x * 0.1), (x - 0.03, -0.06)], 0.012, darker(look.trim, 0.2))
    brush.ellipse(0.12, -0.14, 0.16, 0.07, darker(look.coat, 0.2), turn=35)
    eye(brush, 0.5, -0.42, 0.042)
    brush.ellipse(0.42, -0.33, 0.06, 0.035, BLUSH, 0.6)
    brush.stroke([(0.6, -0.3), (0.68, -0.3), (0.76, -0.34)], 0.016, INK)


def dolphin(brush: Brush, look: Look) -> None:
    brush.blob([(-0.02, -0.62), (-0.14, -0.95), (0.22, -0.66)], darker(look.coat, 0.12))
    brush.blob([(-0.6, -0.3), (-0.95, -0.5), (-0.84, -0.26), (-0.92, -0.02), (-0.62, -0.18)], darker(look.coat, 0.12))
    brush.blob([(-0.7, -0.26), (-0.2, -0.62), (0.3, -0.68), (0.58, -0.5), (0.86, -0.4), (0.56, -0.32), (0.1, -0.24),
                (-0.4, -0.2)], look.coat)  # fmt: skip
    brush.blob([(0.8, -0.39), (0.5, -0.31), (0.1, -0.23), (-0.36, -0.21), (0.1, -0.36), (0.5, -0.4)], look.trim)
    brush.ellipse(0.12, -0.18, 0.06, 0.14, darker(look.coat, 0.2), turn=25)
    eye(brush, 0.48, -0.5)
    brush.stroke([(0.62, -0.38), (0.74, -0.38), (0.8, -0.41)], 0.012, INK)


def octopus(brush: Brush, look: Look) -> None:
    limb = darker(look.coat, 0.1)
    for x, reach in ((-0.3, -0.58), (-0.14, -0.26), (0.14, 0.26), (0.3, 0.58)):
        lift = -0.5 if look.wave and reach > 0.5 else -0.02
        brush.stroke([(x * 0.7, -0.4), (x * 1.2, -0.2), ((x + reach) / 2, -0.05), (reach, lift)], 0.11, limb)
    brush.blob(
        [(0, -1.0), (0.32, -0.84), (0.34, -0.52), (0.22, -0.3), (-0.22, -0.3), (-0.34, -0.52), (-0.32, -0.84)],
        look.coat,
    )
    head = brush.at(0, -0.58)
    eyes(head, 0.12, 0, 0.045)
    cheeks(head, 0.2, 0.09)
    smile(head, 0.1, 0.055)
    for x, y, r in ((-0.12, -0.28, 0.05), (0.05, -0.33, 0.035), (0.16, -0.24, 0.045)):
        head.circle(x, y, r, lighter(look.coat, 0.3))


def crab(brush: Brush, look: Look) -> None:
    limb = darker(look.coat, 0.15)
    for side in (-1, 1):
        for x, y in ((0.6, -0.02), (0.5, -0.0), (0.68, -0.14)):
            brush.stroke([(side * 0.3, -0.3), (side * x, -0.26), (side * (x + 0.04), y)], 0.05, limb)
        brush.stroke([(side * 0.4, -0.42), (side * 0.62, -0.5), (side * 0.6, -0.7)], 0.08, limb)
        brush.circle(side * 0.58, -0.82, 0.17, look.coat)
        brush.polygon([(side * 0.58, -0.8), (side * 0.5, -1.02), (side * 0.68, -1.02)], lighter(look.coat, 0.75))
        brush.stroke([(side * 0.13, -0.5), (side * 0.14, -0.72)], 0.05, look.coat)
        brush.circle(side * 0.14, -0.75, 0.09, WHITE)
        eye(brush, side * 0.14, -0.75, 0.05)
    brush.ellipse(0, -0.32, 0.46, 0.27, look.coat)
    smile(brush.at(0, -0.4), 0.1, 0.06)
    cheeks(brush.at(0, -0.4), 0.24, 0.1)


def turtle(brush: Brush, look: Look) -> None:
    skin = mix(look.coat, rgb("#cfdc8a"), 0.55)
    brush.polygon([(-0.55, -0.22), (-0.82, -0.1), (-0.5, -0.1)], skin)
    for x in (-0.34, 0.28):
        brush.box(x - 0.11, -0.28, 0.22, 0.28, darker(skin, 0.08), round_by=0.09)
    brush.stroke([(0.4, -0.25), (0.66, -0.5)], 0.19, skin)
    brush.circle(0.7, -0.62, 0.2, skin)
    brush.blob([(-0.62, -0.2), (-0.52, -0.6), (0, -0.9), (0.46, -0.6), (0.54, -0.2), (0, -0.14)], look.coat)
    for x, y, r in (
        (-0.05, -0.56, 0.16),
        (-0.35, -0.42, 0.1),
        (0.27, -0.42, 0.1),
        (-0.15, -0.27, 0.07),
        (0.12, -0.27, 0.07),
    ):
        brush.ellipse(x, y, r, r * 0.85, darker(look.coat, 0.2))
    brush.box(-0.6, -0.24, 1.14, 0.075, lighter(look.coat, 0.45), round_by=0.035)
    eye(brush, 0.77, -0.66, 0.04)
    brush.ellipse(0.73, -0.56, 0.045, 0.028, BLUSH, 0.6)
    brush.stroke([(0.78, -0.54), (0.83, -0.53), (0.87, -0.57)], 0.016, INK)


def snail(brush: Brush, look: Look) -> None:
    skin = rgb("#edcf9f")
    brush.blob([(-0.6, 0), (-0.3, -0.14), (0.3, -0.16), (0.4, -0.5), (0.62, -0.52), (0.6, -0.1), (0.5, 0)], skin)
    for x in (0.46, 0.6):
        brush.stroke([(x, -0.5), (x + 0.04, -0.76)], 0.035, skin)
        brush.circle(x + 0.04, -0.78, 0.045, INK)
    brush.circle(-0.06, -0.42, 0.36, look.coat)
    for r in (0.26, 0.14):
        brush.circle(-0.06 + (0.3 - r) * 0.2, -0.42, r, lighter(look.coat, 0.35))
        brush.circle(-0.06 + (0.3 - r) * 0.2, -0.42, r - 0.05, look.coat)
    smile(brush.at(0.53, -0.42), 0.08, 0.03)
