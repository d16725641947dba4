"""Things that stand, lie or fly: vehicles, toys, treasures and lights of the sky."""

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
    LEAF,
    PINK,
    RED,
    WHITE,
    WOOD,
    Colour,
    darker,
    lighter,
    mix,
    rgb,
)  # fmt: skip
from kinds.offline.drawing.sky import STAR, cloud, moon

_RAINBOW = (RED, AMBER, GOLD, LEAF, BLUE, rgb("#8f74c4"))


def balloon(brush: Brush, look: Look) -> None:
    brush.stroke([(0, -0.5), (0.04, -0.3), (-0.03, -0.14), (0.02, 0.0)], 0.014, INDIGO)
    brush.blob([(0, -1.0), (0.22, -0.9), (0.25, -0.7), (0, -0.48), (-0.25, -0.7), (-0.22, -0.9)], look.coat)
    brush.polygon([(-0.04, -0.45), (0.04, -0.45), (0, -0.51)], darker(look.coat, 0.15))
    brush.ellipse(-0.1, -0.82, 0.045, 0.08, lighter(look.coat, 0.6), turn=20)


def kite(brush: Brush, look: Look) -> None:
    brush.stroke([(0, -0.42), (0.08, -0.28), (-0.05, -0.14), (0.05, 0.0)], 0.016, INDIGO)
    for x, y in ((0.06, -0.3), (-0.03, -0.16), (0.03, -0.04)):
        brush.polygon([(x - 0.07, y - 0.03), (x + 0.07, y + 0.03), (x + 0.07, y - 0.03), (x - 0.07, y + 0.03)], GOLD)
    brush.polygon([(0, -1.0), (0.28, -0.72), (0, -0.4), (-0.28, -0.72)], look.coat)
    brush.polygon([(0, -1.0), (0.28, -0.72), (0, -0.72)], lighter(look.coat, 0.5))
    brush.polygon([(0, -0.4), (-0.28, -0.72), (0, -0.72)], lighter(look.coat, 0.5))


def lantern(brush: Brush, look: Look) -> None:
    shine = brush.lit()
    shine.glow(0, -0.42, 0.75, GLOW, 0.6)
    ring = [(-0.14, -0.78), (-0.1, -0.94), (0, -1.0), (0.1, -0.94), (0.14, -0.78)]
    brush.stroke(ring, 0.04, INDIGO)
    shine.box(-0.2, -0.68, 0.4, 0.54, rgb("#ffe9ae"), round_by=0.06)
    shine.blob([(0, -0.58), (0.08, -0.38), (0, -0.26), (-0.08, -0.38)], AMBER)
    frame = darker(look.coat, 0.15)
    brush.box(-0.26, -0.14, 0.52, 0.14, frame, round_by=0.04)
    brush.polygon([(-0.26, -0.66), (-0.1, -0.82), (0.1, -0.82), (0.26, -0.66)], frame)
    for x in (-0.2, 0.16):
        brush.box(x, -0.68, 0.04, 0.56, frame)


def chest(brush: Brush, _: Look) -> None:
    shine = brush.lit()
    shine.glow(0, -0.55, 0.6, GLOW, 0.5)
    brush.blob([(-0.48, -0.6), (-0.46, -0.9), (0, -1.0), (0.46, -0.9), (0.48, -0.6)], darker(WOOD, 0.2))
    for x, y in (
        (-0.3, -0.52),
        (-0.15, -0.58),
        (0.02, -0.54),
        (0.18, -0.59),
        (0.32, -0.52),
        (-0.05, -0.64),
        (0.1, -0.66),
    ):
        brush.circle(x, y, 0.08, GOLD)
        brush.circle(x, y, 0.05, AMBER)
    brush.box(-0.5, -0.5, 1.0, 0.5, WOOD, round_by=0.04)
    for x in (-0.42, 0.32):
        brush.box(x, -0.5, 0.1, 0.5, GOLD)
    brush.box(-0.5, -0.5, 1.0, 0.06, darker(WOOD, 0.3))
    brush.box(-0.08, -0.42, 0.16, 0.18, GOLD, round_by=0.04)
    brush.circle(0, -0.34, 0.03, INK)


def book(brush: Brush, look: Look) -> None:
    brush.polygon([(-0.7, -0.55), (0, -0.42), (0.7, -0.55), (0.7, -0.04), (0, 0.06), (-0.7, -0.04)], look.coat)
    for side in (-1, 1):
        brush.blob(
            [(0, -0.4), (side * 0.3, -0.62), (side * 0.64, -0.58), (side * 0.64, -0.12), (side * 0.3, -0.14), (0, 0.0)],
            CREAM,
        )
        for y in (-0.46, -0.36, -0.26):
            brush.stroke(
                [(side * 0.12, y + 0.03), (side * 0.34, y - 0.03), (side * 0.54, y - 0.02)],
                0.02,
                mix(CREAM, INDIGO, 0.35),
            )


def letter(brush: Brush, look: Look) -> None:
    brush.box(-0.6, -0.78, 1.2, 0.76, CREAM, round_by=0.04)
    brush.stroke([(-0.56, -0.74), (0, -0.36), (0.56, -0.74)], 0.03, mix(CREAM, WOOD, 0.5))
    brush.circle(0, -0.36, 0.11, look.coat)


def map_sheet(brush: Brush, _: Look) -> None:
    brush.polygon([(-0.65, -0.74), (-0.22, -0.84), (0.22, -0.74), (0.65, -0.84), (0.65, -0.04), (0.22, 0.04),
        (-0.22, -0.04),
                   (-0.65, 0.04)], rgb("#f3dfae"))  # fmt: skip
    for x, y in ((-0.46, -0.22), (-0.3, -0.38), (-0.1, -0.34), (0.06, -0.48), (0.22, -0.54)):
        brush.circle(x, y, 0.035, darker(WOOD, 0.2))
    for turn in (45, -45):
        brush.at(0.42, -0.58, turn=turn).box(-0.14, -0.03, 0.28, 0.06, RED)
    brush.ellipse(-0.36, -0.6, 0.14, 0.07, LEAF)


def key(brush: Brush, _: Look) -> None:
    brush.circle(0, -0.74, 0.25, GOLD)
    brush.circle(0, -0.74, 0.13, darker(GOLD, 0.45))
    brush.box(-0.06, -0.52, 0.12, 0.52, GOLD, round_by=0.04)
    for y in (-0.2, -0.08):
        brush.box(0.0, y, 0.2, 0.07, GOLD, round_by=0.02)


def crown(brush: Brush, _: Look) -> None:
    brush.polygon([(-0.5, 0), (-0.62, -0.75), (-0.28, -0.4), (0, -0.95), (0.28, -0.4), (0.62, -0.75), (0.5, 0)], GOLD)
    brush.box(-0.5, -0.18, 1.0, 0.18, AMBER)
    for x, y, colour in (
        (-0.62, -0.75, RED),
        (0, -0.95, BLUE),
        (0.62, -0.75, RED),
        (0, -0.09, RED),
        (-0.28, -0.09, BLUE),
        (0.28, -0.09, BLUE),
    ):
        brush.circle(x, y, 0.065, colour)


def bell(brush: Brush, _: Look) -> None:
    brush.circle(0, -0.06, 0.1, darker(GOLD, 0.3))
    brush.blob(
        [(0, -0.95), (0.24, -0.8), (0.3, -0.4), (0.46, -0.12), (0, -0.08), (-0.46, -0.12), (-0.3, -0.4), (-0.24, -0.8)],
        GOLD,
    )
    brush.stroke([(-0.14, -0.74), (-0.2, -0.42)], 0.06, lighter(GOLD, 0.6))
    brush.circle(0, -0.96, 0.07, AMBER)


def ball(brush: Brush, look: Look) -> None:
    brush.circle(0, -0.5, 0.5, look.coat)
    brush.ellipse(0, -0.5, 0.2, 0.5, CREAM)
    brush.ellipse(0, -0.5, 0.1, 0.5, lighter(look.coat, 0.25))
    brush.ellipse(-0.26, -0.74, 0.09, 0.06, WHITE, 0.8, turn=-40)


def parcel(brush: Brush, look: Look) -> None:
    """A wrapped present; also what stands in for things that have no drawing of their own."""
    brush.box(-0.45, -0.66, 0.9, 0.66, look.coat, round_by=0.04)
    brush.box(-0.5, -0.76, 1.0, 0.18, darker(look.coat, 0.1), round_by=0.04)
    brush.box(-0.09, -0.76, 0.18, 0.76, CREAM)
    for side in (-1, 1):
        brush.blob([(0, -0.76), (side * 0.12, -1.0), (side * 0.36, -0.98), (side * 0.3, -0.8)], CREAM)
    brush.circle(0, -0.8, 0.08, lighter(GOLD, 0.3))


def cake(brush: Brush, _: Look) -> None:
    brush.ellipse(0, -0.04, 0.62, 0.07, WHITE)
    brush.box(-0.5, -0.44, 1.0, 0.42, rgb("#e9b98b"), round_by=0.06)
    brush.box(-0.5, -0.28, 1.0, 0.06, PINK)
    brush.blob([(-0.52, -0.5), (0.52, -0.5), (0.5, -0.34), (0.36, -0.28), (0.22, -0.36), (0.06, -0.27), (-0.12, -0.36),
                (-0.3, -0.27), (-0.5, -0.34)], PINK)  # fmt: skip
    for x, colour in ((-0.26, BLUE), (0.0, GOLD), (0.26, LEAF)):
        brush.box(x - 0.03, -0.76, 0.06, 0.28, colour)
        brush.lit().glow(x, -0.83, 0.14, GLOW, 0.6)
        brush.lit().ellipse(x, -0.83, 0.035, 0.065, AMBER)


def apple(brush: Brush, _: Look) -> None:
    brush.stroke([(0, -0.74), (0.05, -0.96)], 0.06, WOOD)
    brush.ellipse(0.2, -0.88, 0.16, 0.07, LEAF, turn=-25)
    brush.blob(
        [
            (0, -0.74),
            (0.3, -0.82),
            (0.46, -0.5),
            (0.28, -0.06),
            (0, -0.08),
            (-0.28, -0.06),
            (-0.46, -0.5),
            (-0.3, -0.82),
        ],
        RED,
    )
    brush.ellipse(-0.22, -0.56, 0.06, 0.13, lighter(RED, 0.6), turn=15)


def cup(brush: Brush, look: Look) -> None:
    for x in (-0.14, 0.1):
        brush.stroke([(x, -0.8), (x + 0.05, -0.9), (x, -1.0)], 0.035, WHITE)
    handle = [(0.34, -0.6), (0.56, -0.56), (0.54, -0.28), (0.3, -0.22)]
    brush.stroke(handle, 0.07, look.coat)
    brush.blob([(-0.42, -0.72), (0.42, -0.72), (0.34, -0.2), (0.2, 0.0), (-0.2, 0.0), (-0.34, -0.2)], look.coat)
    brush.ellipse(0, -0.71, 0.4, 0.08, darker(WOOD, 0.1))


def umbrella(brush: Brush, look: Look) -> None:
    brush.stroke([(0, -0.6), (0, -0.1), (0.06, 0.0), (0.13, -0.06)], 0.04, WOOD)
    brush.blob(
        [
            (-0.55, -0.5),
            (-0.36, -0.84),
            (0, -0.98),
            (0.36, -0.84),
            (0.55, -0.5),
            (0.28, -0.56),
            (0, -0.5),
            (-0.28, -0.56),
        ],
        look.coat,
    )
    brush.blob(
        [(-0.18, -0.53), (-0.1, -0.8), (0, -0.97), (0.1, -0.8), (0.18, -0.53), (0, -0.5)], lighter(look.coat, 0.35)
    )


def campfire(brush: Brush, _: Look) -> None:
    fire = brush.lit()
    fire.glow(0, -0.3, 1.0, AMBER, 0.5)
    for side in (-1, 1):
        brush.stroke([(side * 0.42, -0.04), (side * -0.3, -0.16)], 0.11, darker(WOOD, 0.15))
    fire.blob(
        [
            (-0.3, -0.16),
            (-0.28, -0.5),
            (-0.14, -0.44),
            (0, -0.98),
            (0.14, -0.5),
            (0.28, -0.56),
            (0.3, -0.16),
            (0, -0.06),
        ],
        rgb("#ee7d3e"),
    )
    fire.blob([(-0.17, -0.14), (-0.14, -0.38), (0, -0.66), (0.14, -0.36), (0.17, -0.14)], GOLD)
    fire.blob([(-0.08, -0.13), (0, -0.38), (0.08, -0.13)], CREAM)


def egg(brush: Brush, look: Look) -> None:
    brush.blob(
        [
            (0, -1.0),
            (0.26, -0.76),
            (0.37, -0.38),
            (0.24, -0.05),
            (0, 0.0),
            (-0.24, -0.05),
            (-0.37, -0.38),
            (-0.26, -0.76),
        ],
        look.trim,
    )
    for x, y, r in ((-0.14, -0.3, 0.08), (0.13, -0.48, 0.07), (-0.05, -0.66, 0.055), (0.16, -0.2, 0.05)):
        brush.circle(x, y, r, look.coat)


def drum(brush: Brush, look: Look) -> None:
    brush.box(-0.45, -0.6, 0.9, 0.52, look.coat)
    brush.ellipse(0, -0.08, 0.45, 0.1, look.coat)
    zigzag = [(-0.45, -0.16), (-0.3, -0.5), (-0.15, -0.06), (0, -0.5), (0.15, -0.06), (0.3, -0.5), (0.45, -0.16)]
    brush.polygon([*zigzag, *[(x, y + 0.04) for x, y in reversed(zigzag)]], GOLD)
    brush.ellipse(0, -0.6, 0.45, 0.12, CREAM)
    brush.stroke([(-0.3, -0.95), (0.05, -0.62)], 0.04, WOOD)
    brush.stroke([(0.36, -0.98), (0.16, -0.63)], 0.04, WOOD)


def guitar(brush: Brush, look: Look) -> None:
    turned = brush.at(0, 0, turn=18)
    turned.box(-0.04, -1.0, 0.08, 0.62, WOOD)
    turned.box(-0.07, -1.06, 0.14, 0.13, darker(WOOD, 0.25), round_by=0.03)
    turned.circle(0, -0.4, 0.19, look.coat)
    turned.circle(0, -0.17, 0.25, look.coat)
    turned.circle(0, -0.26, 0.075, INK)
    turned.box(-0.1, -0.11, 0.2, 0.04, darker(WOOD, 0.3))


def signpost(brush: Brush, _: Look) -> None:
    brush.box(-0.05, -0.95, 0.1, 0.95, WOOD)
    brush.polygon([(-0.36, -0.88), (0.34, -0.88), (0.5, -0.77), (0.34, -0.66), (-0.36, -0.66)], lighter(WOOD, 0.35))
    brush.polygon([(0.36, -0.58), (-0.3, -0.58), (-0.44, -0.48), (-0.3, -0.38), (0.36, -0.38)], lighter(WOOD, 0.25))


def shell(brush: Brush, look: Look) -> None:
    brush.blob([(0, -0.02), (0.46, -0.36), (0.4, -0.8), (0, -0.98), (-0.4, -0.8), (-0.46, -0.36)], look.coat)
    for x in (-0.3, -0.12, 0.12, 0.3):
        brush.stroke([(0, -0.06), (x, -0.84)], 0.03, lighter(look.coat, 0.5))


def star(brush: Brush, look: Look) -> None:
    shine = brush.lit()
    shine.glow(0, -0.5, 0.95, GLOW, 0.6)
    shine.at(0, -0.5, 0.5).polygon(STAR, mix(look.coat, GLOW, 0.4))
    face = shine.at(0, -0.47)
    for x in (-0.11, 0.11):
        face.circle(x, 0, 0.04, INK)
    face.stroke([(-0.06, 0.09), (0, 0.12), (0.06, 0.09)], 0.022, INK)


def full_moon(brush: Brush, _: Look) -> None:
    moon(brush.lit(), 0, -0.5, 0.5)


def sun(brush: Brush, _: Look) -> None:
    shine = brush.lit()
    shine.glow(0, -0.5, 1.1, GLOW, 0.6)
    for turn in range(0, 360, 30):
        shine.at(0, -0.5, turn=turn).polygon([(-0.06, -0.4), (0, -0.56), (0.06, -0.4)], GOLD)
    shine.circle(0, -0.5, 0.36, GOLD)
    shine.circle(0, -0.5, 0.3, lighter(GOLD, 0.3))


def one_cloud(brush: Brush, _: Look) -> None:
    cloud(brush.at(0, -0.4, 0.7), WHITE)


def rainbow(brush: Brush, _: Look) -> None:
    for index, colour in enumerate(_RAINBOW):
        _arc(brush, 1.0 - index * 0.06, colour)


def _arc(brush: Brush, radius: float, colour: Colour) -> None:
    points = [
        (-1, 0),
        (-0.924, -0.383),
        (-0.707, -0.707),
        (-0.383, -0.924),
        (0, -1),
        (0.383, -0.924),
        (0.707, -0.707),
        (0.924, -0.383),
        (1, 0),
    ]
    brush.stroke([(x * radius, y * radius) for x, y in points], 0.065, colour)
