"""Places that people have made: villages, cities, castles, gardens and rooms."""

from kinds.offline.drawing import buildings
from kinds.offline.drawing.canvas import Brush
from kinds.offline.drawing.look import Look
from kinds.offline.drawing.palette import (
    AMBER,
    BLUE,
    CREAM,
    GLOW,
    GOLD,
    INDIGO,
    LEAF,
    PINK,
    RED,
    SEA,
    SKINS,
    STONE,
    WHITE,
    WOOD,
    Colour,
    clothes,
    darker,
    lighter,
    mix,
    rgb,
)  # fmt: skip
from kinds.offline.drawing.plants import bush, leafy
from kinds.offline.drawing.scenery import GRASS, Stage, flowers, ground, hills, tufts
from kinds.offline.drawing.sky import light, moon, star

_BOOKS = (RED, BLUE, GOLD, rgb("#6fae8c"), rgb("#8f74c4"), AMBER)


def village(stage: Stage) -> None:
    hills(stage, 0.66, 0.18, mix(GRASS, SEA, 0.3))
    count = 6
    for index in range(count):
        x = stage.wide * (index + stage.rng.uniform(0.3, 0.7)) / count
        wall, roof = stage.rng.choice(buildings.WALLS), stage.rng.choice(buildings.ROOFS)
        buildings.cottage(stage.brush.at(x, 0.69, stage.rng.uniform(0.19, 0.25)), wall, roof)
        leafy(stage.brush.at(x + 0.13, 0.69, 0.13), LEAF)
    ground(stage, 0.68, GRASS)
    _path(stage, rgb("#ead3a6"))
    flowers(stage, 0.76, 14)


def _path(stage: Stage, colour: Colour) -> None:
    middle = stage.wide * stage.rng.uniform(0.42, 0.58)
    stage.brush.blob([(middle - 0.03, 0.69), (middle + 0.03, 0.69), (middle + 0.1, 0.82), (middle + 0.36, 1.1),
                      (middle - 0.36, 1.1), (middle - 0.02, 0.82)], colour)  # fmt: skip


def city(stage: Stage) -> None:
    haze = light(stage.time, stage.weather).bottom
    for row, (high, share) in enumerate(((0.42, 0.6), (0.3, 0.15))):
        count = 11 - 2 * row
        for index in range(count):
            x = stage.wide * (index + stage.rng.uniform(-0.1, 0.1)) / count
            colour = mix(
                stage.rng.choice((rgb("#c98d7b"), rgb("#8ea6c4"), rgb("#d9b78a"), rgb("#9d92b8"))), haze, share
            )
            _block(stage, x, high * stage.rng.uniform(0.6, 1.0), stage.wide / count * 1.02, colour, windows=row > 0)
    ground(stage, 0.7, rgb("#c9c6d0"), wave=0.0)
    stage.brush.box(-0.1, 0.7, stage.wide + 0.2, 0.025, rgb("#dedbe2"))
    for index in range(9):
        stage.brush.box(index * 0.18, 0.965, 0.09, 0.012, CREAM)
    for x in (0.07, stage.wide - 0.07):
        _street_lamp(stage.brush.at(x, 0.8))


def _block(stage: Stage, x: float, high: float, width: float, colour: Colour, *, windows: bool) -> None:
    top = 0.71 - high
    stage.brush.box(x, top, width, high, colour)
    stage.brush.box(x - 0.004, top - 0.012, width + 0.008, 0.016, darker(colour, 0.12))
    if not windows:
        return
    pane = GLOW if stage.night else lighter(colour, 0.55)
    brush = stage.brush.lit() if stage.night else stage.brush
    for row in range(int(high / 0.06)):
        for column in range(3):
            if stage.rng.random() < 0.8:
                brush.box(x + width * (0.16 + 0.26 * column), top + 0.025 + row * 0.06, width * 0.16, 0.032, pane)


def _street_lamp(brush: Brush) -> None:
    brush.box(-0.006, -0.3, 0.012, 0.3, INDIGO)
    brush.box(-0.022, -0.01, 0.044, 0.012, INDIGO)
    shine = brush.lit()
    shine.glow(0, -0.315, 0.07, GLOW, 0.6)
    shine.circle(0, -0.315, 0.021, GLOW)


def castle(stage: Stage) -> None:
    hills(stage, 0.67, 0.2, mix(GRASS, SEA, 0.32), bumps=2)
    x = stage.wide * stage.rng.choice((0.3, 0.5, 0.7))
    look = Look(rgb("#6d84bd"), CREAM, SKINS[0], WOOD, 0)
    stage.brush.ellipse(x, 0.72, 0.42, 0.11, mix(GRASS, SEA, 0.2))
    buildings.castle(stage.brush.at(x, 0.645, 0.46), look)
    ground(stage, 0.69, GRASS)
    for spot in (0.06, 0.2, 0.8, 0.94):
        bush(stage.brush.at(stage.wide * spot, 0.72, 0.05), darker(LEAF, 0.05))
    flowers(stage, 0.75, 20)


def hall(stage: Stage) -> None:
    """Inside a castle."""
    wall = rgb("#cfc3cf")
    stage.brush.fade(0.0, 0.72, darker(wall, 0.14), wall)
    for row in range(8):
        for column in range(7):
            if stage.rng.random() < 0.35:
                x = (column + 0.5 * (row % 2)) * 0.21
                stage.brush.box(x, 0.06 + row * 0.08, 0.13, 0.035, darker(wall, 0.07), round_by=0.012)
    for x in (stage.wide * 0.25, stage.wide * 0.75):
        _arched_window(stage, x)
    for x in (0.04, stage.wide / 2, stage.wide - 0.04):
        stage.brush.box(x - 0.05, 0.08, 0.1, 0.36, RED)
        stage.brush.polygon([(x - 0.05, 0.43), (x + 0.05, 0.43), (x, 0.5)], RED)
        star(stage.brush, x, 0.27, 0.03, GOLD)
    ground(stage, 0.72, rgb("#b99d84"), wave=0.0)
    stage.brush.polygon([(stage.wide * 0.42, 0.72), (stage.wide * 0.58, 0.72), (stage.wide * 0.8, 1.02),
                         (stage.wide * 0.2, 1.02)], rgb("#b9545c"))  # fmt: skip


def _arched_window(stage: Stage, x: float) -> None:
    now = light(stage.time, stage.weather)
    frame, pane = stage.brush, stage.brush.lit()
    frame.circle(x, 0.24, 0.115, STONE)
    frame.box(x - 0.115, 0.24, 0.23, 0.26, STONE)
    pane.circle(x, 0.24, 0.095, now.top)
    pane.box(x - 0.095, 0.24, 0.19, 0.24, mix(now.top, now.bottom, 0.5))
    if stage.night:
        moon(pane, x + 0.03, 0.24, 0.03)
    frame.box(x - 0.006, 0.15, 0.012, 0.33, STONE)
    frame.box(x - 0.095, 0.3, 0.19, 0.012, STONE)


def garden(stage: Stage) -> None:
    hills(stage, 0.66, 0.14, mix(GRASS, SEA, 0.25))
    for index in range(12):
        bush(stage.brush.at(stage.wide * (index + 0.5) / 12, 0.66, stage.rng.uniform(0.06, 0.09)), darker(LEAF, 0.1))
    for index in range(26):
        x = stage.wide * (index + 0.5) / 26
        stage.brush.polygon(
            [(x - 0.016, 0.71), (x - 0.016, 0.59), (x, 0.57), (x + 0.016, 0.59), (x + 0.016, 0.71)], CREAM
        )
    for y in (0.615, 0.665):
        stage.brush.box(0, y, stage.wide, 0.013, CREAM)
    ground(stage, 0.7, rgb("#a5d072"), wave=0.0)
    flowers(stage, 0.715, 18)
    flowers(stage, 0.86, 26)
    tufts(stage, 0.74, darker(GRASS, 0.1), 14)


def farm(stage: Stage) -> None:
    hills(stage, 0.66, 0.16, mix(GRASS, GOLD, 0.3))
    hills(stage, 0.68, 0.08, mix(GRASS, GOLD, 0.5), bumps=2)
    x = stage.wide * stage.rng.choice((0.2, 0.8))
    buildings.barn(stage.brush.at(x, 0.68, 0.34), Look(RED, CREAM, SKINS[0], WOOD, 0))
    leafy(stage.brush.at(stage.wide - x, 0.68, 0.32), LEAF)
    ground(stage, 0.67, rgb("#b5cf72"))
    for index in range(5):
        post = stage.wide * (index + 0.5) / 5
        stage.brush.box(post - 0.008, 0.66, 0.016, 0.09, WOOD)
    for y in (0.675, 0.705):
        stage.brush.box(0, y, stage.wide, 0.009, WOOD)
    tufts(stage, 0.78, darker(GRASS, 0.1))
    flowers(stage, 0.8, 10)


def _walls(stage: Stage, wall: Colour, floor: Colour) -> None:
    stage.brush.box(0, 0, stage.wide, 0.75, wall)
    for index in range(14):
        stage.brush.box(stage.wide * index / 14, 0, stage.wide / 28, 0.75, mix(wall, WHITE, 0.16))
    stage.brush.box(0, 0.72, stage.wide, 0.03, WHITE)
    stage.brush.box(0, 0.75, stage.wide, 0.25, floor)
    for y in (0.8, 0.87, 0.95):
        stage.brush.box(0, y, stage.wide, 0.004, darker(floor, 0.13))


def _big_window(stage: Stage, x: float) -> None:
    """A window with curtains, through which the day is seen."""
    now, brush, outside = light(stage.time, stage.weather), stage.brush, stage.brush.lit()
    brush.box(x - 0.165, 0.135, 0.33, 0.36, WHITE)
    outside.box(x - 0.15, 0.15, 0.3, 0.2, now.top)
    outside.box(x - 0.15, 0.3, 0.3, 0.18, mix(now.top, now.bottom, 0.6))
    if stage.night:
        moon(outside, x + 0.06, 0.23, 0.035)
        for dx, dy in ((-0.1, 0.2), (-0.04, 0.28), (-0.11, 0.36)):
            star(outside, x + dx, dy, 0.012)
    else:
        outside.ellipse(x, 0.48, 0.149, 0.06, mix(LEAF, now.bottom, 0.25))
        outside.box(x - 0.15, 0.48, 0.3, 0.065, WHITE)
    brush.box(x - 0.165, 0.48, 0.33, 0.03, WHITE)
    brush.box(x - 0.006, 0.15, 0.012, 0.33, WHITE)
    brush.box(x - 0.15, 0.31, 0.3, 0.012, WHITE)
    for side in (-1, 1):
        brush.blob([(x + side * 0.2, 0.11), (x + side * 0.07, 0.12), (x + side * 0.13, 0.3), (x + side * 0.17, 0.5),
                    (x + side * 0.23, 0.5)], rgb("#e8836f"))  # fmt: skip
    brush.box(x - 0.25, 0.1, 0.5, 0.022, WOOD, round_by=0.011)


def room(stage: Stage) -> None:
    _walls(stage, rgb("#f2d9b4"), rgb("#c08a5c"))
    left = stage.rng.random() < 0.5
    _big_window(stage, stage.wide * (0.3 if left else 0.7))
    bed = stage.brush.at(stage.wide * (0.84 if left else 0.16), 0.78, flip=left)
    bed.box(-0.27, -0.3, 0.04, 0.32, WOOD, round_by=0.015)
    bed.box(-0.25, -0.13, 0.52, 0.13, rgb("#7fa7cf"), round_by=0.03)
    bed.box(-0.23, -0.2, 0.16, 0.09, WHITE, round_by=0.04)
    bed.box(0.25, -0.18, 0.04, 0.2, WOOD, round_by=0.015)
    picture = stage.wide * (0.58 if left else 0.42)
    stage.brush.box(picture - 0.07, 0.2, 0.14, 0.12, WOOD)
    stage.brush.box(picture - 0.058, 0.212, 0.116, 0.096, rgb("#bfe0ea"))
    stage.brush.ellipse(picture, 0.29, 0.05, 0.025, LEAF)
    stage.brush.ellipse(stage.wide / 2, 0.9, 0.44, 0.07, rgb("#d9736a"))
    stage.brush.ellipse(stage.wide / 2, 0.9, 0.36, 0.05, rgb("#f0b48f"))


def kitchen(stage: Stage) -> None:
    _walls(stage, rgb("#cfe3d4"), rgb("#d8a673"))
    _big_window(stage, stage.wide / 2)
    for x in (0.02, stage.wide - 0.36):
        stage.brush.box(x, 0.32, 0.34, 0.022, WOOD)
        for index, colour in enumerate((RED, GOLD, BLUE)):
            stage.brush.box(x + 0.04 + index * 0.1, 0.25, 0.06, 0.07, colour, round_by=0.015)
        stage.brush.box(x - 0.04, 0.56, 0.4, 0.2, CREAM)
        stage.brush.box(x - 0.05, 0.54, 0.42, 0.03, WOOD, round_by=0.01)
        for dx in (0.03, 0.2):
            stage.brush.box(x + dx, 0.6, 0.13, 0.13, darker(CREAM, 0.08), round_by=0.012)
    pot = stage.brush.at(0.16, 0.54)
    pot.box(-0.06, -0.07, 0.12, 0.07, RED, round_by=0.02)
    pot.box(-0.07, -0.085, 0.14, 0.018, darker(RED, 0.2), round_by=0.009)


def bookshelves(stage: Stage) -> None:
    _walls(stage, rgb("#e6c9a0"), rgb("#a9714a"))
    for left in (0.02, stage.wide - 0.44):
        stage.brush.box(left, 0.1, 0.42, 0.64, darker(WOOD, 0.2))
        for row in range(4):
            x, base = left + 0.02, 0.245 + row * 0.155
            while x < left + 0.37:
                thick, high = stage.rng.uniform(0.016, 0.032), stage.rng.uniform(0.085, 0.12)
                stage.brush.box(x, base - high, thick, high, stage.rng.choice(_BOOKS))
                x += thick + 0.003
            stage.brush.box(left + 0.01, base, 0.4, 0.014, lighter(WOOD, 0.2))
    _big_window(stage, stage.wide / 2)
    stage.brush.ellipse(stage.wide / 2, 0.9, 0.44, 0.07, clothes("rug"))
    stage.brush.ellipse(stage.wide / 2, 0.9, 0.36, 0.05, PINK)
