"""Places with a sky of their own, or none: under water, in caves and among the stars."""

from kinds.offline.drawing.palette import (
    AMBER,
    CREAM,
    GLOW,
    INDIGO,
    LEAF,
    PINK,
    SAND,
    SEA,
    WHITE,
    darker,
    lighter,
    mix,
    rgb,
)  # fmt: skip
from kinds.offline.drawing.scenery import Stage, ground
from kinds.offline.drawing.sky import star

_CORALS = (rgb("#ee7f73"), rgb("#f2a65e"), PINK, rgb("#b48ad0"))
_CRYSTALS = (rgb("#8fd3d8"), rgb("#c3a3e6"), rgb("#f3c6dd"))


def underwater(stage: Stage) -> None:
    deep = darker(SEA, 0.35) if stage.night else SEA
    stage.brush.fade(0.0, 1.0, lighter(deep, 0.45), darker(deep, 0.3))
    for _ in range(5):
        x = stage.rng.uniform(0, stage.wide)
        stage.brush.polygon([(x, 0), (x + 0.07, 0), (x - 0.02, 0.75), (x - 0.2, 0.75)], WHITE, 0.09)
    stage.brush.ellipse(stage.wide * 0.2, 0.82, 0.42, 0.16, mix(deep, INDIGO, 0.25))
    stage.brush.ellipse(stage.wide * 0.85, 0.82, 0.36, 0.22, mix(deep, INDIGO, 0.2))
    ground(stage, 0.8, mix(SAND, deep, 0.25))
    for side in (0.06, 0.14, 0.88, 0.95):
        _weed(stage, stage.wide * side)
    for _ in range(7):
        _coral(stage, stage.wide * stage.rng.uniform(0, 1), stage.rng.uniform(0.8, 0.85))
    for _ in range(20):
        x, y, r = stage.rng.uniform(0, stage.wide), stage.rng.uniform(0.05, 0.8), stage.rng.uniform(0.004, 0.013)
        stage.brush.circle(x, y, r, WHITE, 0.4)
        stage.brush.circle(x - r * 0.3, y - r * 0.3, r * 0.3, WHITE, 0.8)


def _weed(stage: Stage, x: float) -> None:
    for index in range(3):
        root, high = x + index * 0.03, stage.rng.uniform(0.2, 0.42)
        line = [
            (root, 0.86),
            (root + 0.025, 0.86 - high / 3),
            (root - 0.02, 0.86 - high * 0.66),
            (root + 0.02, 0.86 - high),
        ]
        stage.brush.stroke(line, 0.017, (LEAF, rgb("#3f9a83"), rgb("#77ad55"))[index])


def _coral(stage: Stage, x: float, y: float) -> None:
    colour, brush = stage.rng.choice(_CORALS), stage.brush.at(x, y, stage.rng.uniform(0.08, 0.14))
    brush.stroke([(0, 0), (0, -0.9)], 0.2, colour)
    brush.stroke([(0, -0.25), (-0.38, -0.45), (-0.42, -0.8)], 0.16, colour)
    brush.stroke([(0, -0.35), (0.36, -0.5), (0.42, -0.72)], 0.16, colour)


def cave(stage: Stage) -> None:
    rock = rgb("#8d7d94")
    stage.brush.fade(0.0, 1.0, darker(rock, 0.45), rock)
    middle = stage.wide * stage.rng.uniform(0.4, 0.6)
    stage.brush.lit().glow(middle, 0.5, 0.75, rgb("#ffdca6"), 0.55)
    stage.brush.blob([(middle - 0.32, 0.74), (middle - 0.27, 0.42), (middle - 0.05, 0.26), (middle + 0.2, 0.34),
                      (middle + 0.33, 0.74)], mix(rock, CREAM, 0.35))  # fmt: skip
    for index in range(13):
        x, long = stage.wide * (index + stage.rng.random()) / 13, stage.rng.uniform(0.06, 0.24)
        stage.brush.polygon([(x - 0.06, -0.01), (x, long), (x + 0.06, -0.01)], darker(rock, 0.35))
    for x in (0.0, stage.wide):
        stage.brush.blob([(x - 0.2, 1.0), (x - 0.16, 0.5), (x - 0.12, -0.1), (x + 0.12, -0.1), (x + 0.15, 0.45),
                          (x + 0.2, 1.0)], darker(rock, 0.3))  # fmt: skip
    ground(stage, 0.74, mix(rock, CREAM, 0.2))
    for _ in range(7):
        side = stage.rng.choice((0.0, stage.wide - 0.3))
        _crystal(stage, side + stage.rng.uniform(0.02, 0.28), stage.rng.uniform(0.74, 0.8))


def _crystal(stage: Stage, x: float, y: float) -> None:
    colour, brush = stage.rng.choice(_CRYSTALS), stage.brush.lit().at(x, y, stage.rng.uniform(0.06, 0.12))
    brush.glow(0, -0.4, 0.9, colour, 0.35)
    for turn, high in ((-28, 0.7), (26, 0.75), (0, 1.0)):
        shard = brush.at(0, 0, high, turn=turn)
        shard.polygon([(-0.17, 0), (-0.17, -0.72), (0, -1), (0.17, -0.72), (0.17, 0)], colour)
        shard.polygon([(0, 0), (0, -1), (0.17, -0.72), (0.17, 0)], darker(colour, 0.15))


def _heavens(stage: Stage) -> None:
    stage.brush.fade(0.0, 1.0, rgb("#1b1f4f"), rgb("#5b4f98"))
    for x, y, r, colour in ((0.25, 0.3, 0.45, rgb("#a65fb0")), (0.8, 0.6, 0.5, rgb("#3f86b8"))):
        stage.brush.glow(stage.wide * x, y, r, colour, 0.35)
    for _ in range(110):
        stage.brush.circle(
            stage.rng.uniform(0, stage.wide), stage.rng.uniform(0, 1), stage.rng.uniform(0.0015, 0.004), CREAM
        )
    for _ in range(9):
        x, y = stage.rng.uniform(0, stage.wide), stage.rng.uniform(0.03, 0.6)
        stage.brush.glow(x, y, 0.04, GLOW, 0.5)
        star(stage.brush, x, y, 0.013)


def space(stage: Stage) -> None:
    _heavens(stage)
    x = stage.wide * stage.rng.choice((0.16, 0.84))
    ringed = stage.brush.at(x, 0.24, 0.1, turn=-18)
    ringed.circle(0, 0, 1, AMBER)
    ringed.ellipse(0.0, -0.3, 0.86, 0.16, lighter(AMBER, 0.35))
    ringed.ellipse(0.0, 0.34, 0.86, 0.14, darker(AMBER, 0.12))
    ringed.stroke([(-1.0, 0.05), (-1.7, 0.25), (0, 0.5), (1.7, 0.25), (1.0, 0.05)], 0.12, rgb("#f7d9a0"))
    stage.brush.circle(stage.wide - x, 0.14, 0.045, rgb("#7cc6c0"))
    stage.brush.ellipse(stage.wide / 2, 1.16, stage.wide * 0.75, 0.42, rgb("#7f76c0"))
    for spot in (0.2, 0.5, 0.75):
        stage.brush.ellipse(stage.wide * spot, 0.9 + 0.06 * spot, 0.09, 0.025, rgb("#6a61aa"))


def moonscape(stage: Stage) -> None:
    _heavens(stage)
    x = stage.wide * stage.rng.choice((0.2, 0.8))
    stage.brush.glow(x, 0.22, 0.3, rgb("#9fd0f0"), 0.5)
    stage.brush.circle(x, 0.22, 0.11, rgb("#5fa8da"))
    stage.brush.blob([(x - 0.07, 0.16), (x, 0.14), (x + 0.03, 0.2), (x - 0.03, 0.26), (x - 0.09, 0.22)], LEAF)
    stage.brush.blob([(x + 0.02, 0.26), (x + 0.08, 0.22), (x + 0.07, 0.29), (x + 0.01, 0.31)], LEAF)
    ground(stage, 0.72, rgb("#d9d4de"), wave=0.03)
    for _ in range(9):
        x, y = stage.rng.uniform(0, stage.wide), stage.rng.uniform(0.76, 0.98)
        wide = stage.rng.uniform(0.03, 0.08)
        stage.brush.ellipse(x, y, wide, wide * 0.3, rgb("#bdb7c6"))
        stage.brush.ellipse(x, y + 0.005, wide * 0.82, wide * 0.2, rgb("#a8a2b6"))
