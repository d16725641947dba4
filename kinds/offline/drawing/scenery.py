"""Places out of doors in nature: each paints the ground under a sky that is already there."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from kinds.offline.drawing.canvas import Brush
from kinds.offline.drawing.palette import (
    AMBER,
    CREAM,
    GOLD,
    LEAF,
    PINE,
    PINK,
    SAND,
    SEA,
    SNOW,
    STONE,
    WHITE,
    Colour,
    darker,
    lighter,
    mix,
    rgb,
)  # fmt: skip
from kinds.offline.drawing.plants import blossom, bush, conifer, leafy, tuft

GRASS = rgb("#9ccb6b")
PETALS = (rgb("#f28a8a"), rgb("#f7c85a"), CREAM, rgb("#b79be0"), rgb("#f6a4c0"))


@dataclass(frozen=True)
class Stage:
    """A picture being painted: its brush (one unit is its height), its width in units, its light and its chance."""

    brush: Brush
    wide: float
    rng: Random
    time: str
    weather: str

    @property
    def night(self) -> bool:
        return self.time == "night"


def hills(stage: Stage, y: float, rise: float, colour: Colour, *, bumps: int = 3) -> None:
    """A row of soft hills whose feet are at `y`."""
    step = stage.wide / bumps
    tops = [
        (step * (i + 0.5) + stage.rng.uniform(-0.08, 0.08), y - rise * stage.rng.uniform(0.6, 1)) for i in range(bumps)
    ]
    valleys = [(step * i, y - rise * 0.15) for i in range(1, bumps)]
    line = sorted([*tops, *valleys])
    stage.brush.blob([(-0.3, y), *line, (stage.wide + 0.3, y), (stage.wide + 0.3, 1.1), (-0.3, 1.1)], colour)


def ground(stage: Stage, y: float, colour: Colour, *, wave: float = 0.015) -> None:
    """The ground in front, from `y` down, a little brighter towards the reader."""
    wide, rng = stage.wide, stage.rng
    edge = [(wide * i / 5, y + rng.uniform(-wave, wave)) for i in range(6)]
    stage.brush.blob([(-0.3, y), *edge, (wide + 0.3, y), (wide + 0.3, 1.2), (-0.3, 1.2)], colour)
    front = [(wide * i / 4, y + 0.22 + rng.uniform(-wave, wave)) for i in range(5)]
    stage.brush.blob([(-0.3, y + 0.24), *front, (wide + 0.3, y + 0.2), (wide + 0.3, 1.3), (-0.3, 1.3)],
                     lighter(colour, 0.14))  # fmt: skip


def tufts(stage: Stage, top: float, colour: Colour, count: int = 24) -> None:
    for _ in range(count):
        x, y = stage.rng.uniform(0, stage.wide), stage.rng.uniform(top, 1.0)
        tuft(stage.brush.at(x, y, 0.018), colour)


def flowers(stage: Stage, top: float, count: int, petals: Sequence[Colour] = PETALS) -> None:
    for y in sorted(stage.rng.uniform(top, 1.0) for _ in range(count)):
        size = 0.02 + 0.03 * (y - top) / (1 - top)
        blossom(stage.brush.at(stage.rng.uniform(0, stage.wide), y, size), stage.rng.choice(petals))


def meadow(stage: Stage) -> None:
    hills(stage, 0.66, 0.2, mix(GRASS, SEA, 0.35))
    hills(stage, 0.68, 0.1, mix(GRASS, SEA, 0.12), bumps=4)
    for _ in range(4):
        leafy(stage.brush.at(stage.rng.uniform(0, stage.wide), 0.645, 0.13), mix(LEAF, SEA, 0.2))
    ground(stage, 0.66, GRASS)
    tufts(stage, 0.7, darker(GRASS, 0.12))
    flowers(stage, 0.7, 34)


def forest(stage: Stage) -> None:
    far, near = mix(PINE, rgb("#bfe0d0"), 0.55), mix(PINE, rgb("#bfe0d0"), 0.25)
    hills(stage, 0.66, 0.16, mix(far, WHITE, 0.15))
    _trees(stage, 0.66, 12, (0.26, 0.4), (far,))
    _trees(stage, 0.69, 8, (0.38, 0.52), (near, mix(near, LEAF, 0.5)))
    ground(stage, 0.68, rgb("#86b366"))
    for x in (stage.rng.uniform(-0.05, 0.06), stage.wide - stage.rng.uniform(-0.05, 0.06)):
        leafy(stage.brush.at(x, 0.8, 0.82), stage.rng.choice((LEAF, rgb("#6aa65a"), rgb("#8bb457"))))
        bush(stage.brush.at(x, 0.83, 0.07), darker(LEAF, 0.08))
    tufts(stage, 0.72, darker(rgb("#86b366"), 0.14))
    flowers(stage, 0.74, 10)


def _trees(stage: Stage, y: float, count: int, high: tuple[float, float], leaves: Sequence[Colour]) -> None:
    for index in range(count):
        x = stage.wide * (index + stage.rng.uniform(0.1, 0.9)) / count
        brush, colour = stage.brush.at(x, y, stage.rng.uniform(*high)), stage.rng.choice(leaves)
        if stage.rng.random() < 0.5:
            conifer(brush, colour, snowy=stage.weather == "snow")
        else:
            leafy(brush, colour)


def jungle(stage: Stage) -> None:
    deep = rgb("#3f9a72")
    hills(stage, 0.68, 0.32, mix(deep, CREAM, 0.45))
    for index in range(9):
        x = stage.wide * (index + stage.rng.random()) / 9
        leafy(stage.brush.at(x, 0.7, stage.rng.uniform(0.4, 0.6)), mix(deep, CREAM, 0.2))
    ground(stage, 0.68, rgb("#79b757"))
    for side in (-1, 1):
        for index in range(5):
            x = 0.0 if side < 0 else stage.wide
            turn = side * (-25 - 28 * index)
            stage.brush.at(x, 0.42, turn=turn).ellipse(0, -0.16, 0.055, 0.2, (deep, LEAF)[index % 2])
        for _ in range(3):
            x = stage.wide * (0.5 + side * stage.rng.uniform(0.28, 0.48))
            stage.brush.stroke([(x, -0.02), (x + 0.03, 0.1), (x - 0.01, stage.rng.uniform(0.2, 0.34))], 0.009, PINE)
    tufts(stage, 0.72, darker(LEAF, 0.1), 40)
    flowers(stage, 0.74, 14, (rgb("#ee6f6f"), AMBER, PINK))


def mountains(stage: Stage) -> None:
    for y, high, colour, count in ((0.68, 0.45, rgb("#a9b5d6"), 4), (0.7, 0.32, rgb("#8796bd"), 5)):
        for index in range(count):
            x = stage.wide * (index + stage.rng.uniform(0.3, 0.7)) / count
            _peak(stage.brush.at(x, y, high * stage.rng.uniform(0.75, 1)), colour)
    hills(stage, 0.72, 0.09, mix(PINE, rgb("#8796bd"), 0.3), bumps=5)
    for _ in range(9):
        conifer(
            stage.brush.at(stage.rng.uniform(0, stage.wide), 0.71, stage.rng.uniform(0.08, 0.14)), PINE, snowy=False
        )
    ground(stage, 0.7, rgb("#a5c478"))
    _stones(stage, 7)
    tufts(stage, 0.74, darker(rgb("#a5c478"), 0.14))


def _peak(brush: Brush, colour: Colour) -> None:
    brush.polygon([(-0.75, 0), (0, -1), (0.8, 0)], colour)
    brush.polygon([(0.8, 0), (0, -1), (0.12, -0.55), (0.02, -0.3), (0.2, 0)], darker(colour, 0.13))
    brush.polygon([(-0.24, -0.68), (0, -1), (0.25, -0.68), (0.12, -0.62), (0.04, -0.7), (-0.06, -0.6), (-0.14, -0.7)],
                  SNOW)  # fmt: skip


def _stones(stage: Stage, count: int) -> None:
    for _ in range(count):
        x, y, r = stage.rng.uniform(0, stage.wide), stage.rng.uniform(0.74, 0.98), stage.rng.uniform(0.012, 0.035)
        stage.brush.ellipse(x, y, r * 1.4, r * 0.8, STONE)
        stage.brush.ellipse(x - r * 0.2, y - r * 0.2, r * 0.9, r * 0.4, lighter(STONE, 0.35))


def sea_water(stage: Stage, top: float, colour: Colour = SEA) -> None:
    """Open water from `top` down, with lines of light on its waves."""
    stage.brush.fade(top, 1.0, lighter(colour, 0.3), darker(colour, 0.08))
    for _ in range(34):
        x, y = stage.rng.uniform(0, stage.wide), stage.rng.uniform(top + 0.02, 1)
        long = 0.02 + 0.05 * (y - top) / (1 - top)
        stage.brush.stroke([(x - long, y), (x - long / 2, y - 0.006), (x, y), (x + long / 2, y - 0.006), (x + long, y)],
                           0.004, lighter(colour, 0.5))  # fmt: skip


def sea(stage: Stage) -> None:
    for x in (stage.wide * 0.12, stage.wide * 0.82):
        stage.brush.ellipse(x, 0.6, 0.22, 0.05, mix(LEAF, rgb("#bcd7e6"), 0.6))
    sea_water(stage, 0.6)


def beach(stage: Stage) -> None:
    stage.brush.ellipse(stage.wide * 0.85, 0.54, 0.3, 0.06, mix(LEAF, rgb("#bcd7e6"), 0.5))
    stage.brush.fade(0.54, 0.75, lighter(SEA, 0.2), SEA)
    for y in (0.6, 0.645, 0.68):
        for index in range(8):
            x = stage.wide * (index + stage.rng.random()) / 8
            stage.brush.stroke([(x - 0.05, y), (x, y - 0.007), (x + 0.05, y)], 0.004, lighter(SEA, 0.55))
    _shore(stage, 0.715, CREAM)
    _shore(stage, 0.73, SAND)
    for _ in range(36):
        stage.brush.circle(stage.rng.uniform(0, stage.wide), stage.rng.uniform(0.8, 1), 0.004, darker(SAND, 0.13))
    for _ in range(4):
        x, y = stage.rng.uniform(0.05, stage.wide - 0.05), stage.rng.uniform(0.88, 0.98)
        stage.brush.at(x, y, 0.02).polygon([(-1, 0), (0, -1.2), (1, 0), (0, 0.35)], stage.rng.choice((PINK, CREAM)))


def _shore(stage: Stage, y: float, colour: Colour) -> None:
    edge = [(stage.wide * i / 6, y + (0.014 if i % 2 else -0.014)) for i in range(7)]
    stage.brush.blob([(-0.3, y), *edge, (stage.wide + 0.3, y), (stage.wide + 0.3, 1.3), (-0.3, 1.3)], colour)


def river(stage: Stage) -> None:
    hills(stage, 0.64, 0.16, mix(GRASS, SEA, 0.35))
    _trees(stage, 0.64, 7, (0.14, 0.24), (mix(LEAF, SEA, 0.15), mix(LEAF, GOLD, 0.2)))
    ground(stage, 0.62, GRASS)
    stage.brush.fade(0.66, 0.8, lighter(SEA, 0.25), SEA)
    for index in range(14):
        x, y = stage.wide * (index + stage.rng.random()) / 14, stage.rng.uniform(0.68, 0.78)
        stage.brush.stroke([(x - 0.05, y), (x, y - 0.006), (x + 0.05, y)], 0.004, lighter(SEA, 0.55))
    ground(stage, 0.79, GRASS)
    for index in range(12):
        x = stage.wide * (index + stage.rng.random()) / 12
        if stage.rng.random() < 0.6:
            stage.brush.stroke([(x, 0.83), (x + 0.006, 0.75)], 0.006, LEAF)
            stage.brush.ellipse(x + 0.006, 0.735, 0.007, 0.02, rgb("#8a5f3c"))
    flowers(stage, 0.84, 14)


def desert(stage: Stage) -> None:
    dune = rgb("#eec786")
    hills(stage, 0.68, 0.24, mix(dune, AMBER, 0.25), bumps=2)
    hills(stage, 0.7, 0.13, mix(dune, AMBER, 0.12))
    ground(stage, 0.7, dune)
    green = rgb("#6fa878")
    for _ in range(4):
        x, high = stage.rng.uniform(0, stage.wide), stage.rng.uniform(0.1, 0.17)
        cactus = stage.brush.at(x, 0.71, high)
        cactus.stroke([(0, 0), (0, -0.9)], 0.2, green)
        cactus.stroke([(0, -0.3), (0.28, -0.35), (0.28, -0.6)], 0.13, green)
        cactus.stroke([(0, -0.45), (-0.28, -0.5), (-0.28, -0.7)], 0.13, green)
    for _ in range(8):
        x, y = stage.rng.uniform(0, stage.wide), stage.rng.uniform(0.78, 0.98)
        stage.brush.stroke([(x - 0.08, y), (x, y - 0.012), (x + 0.08, y)], 0.005, darker(dune, 0.12))


def snowfield(stage: Stage) -> None:
    hills(stage, 0.66, 0.22, rgb("#cfdcef"))
    for _ in range(11):
        x, high = stage.rng.uniform(0, stage.wide), stage.rng.uniform(0.12, 0.26)
        conifer(stage.brush.at(x, 0.68, high), mix(PINE, rgb("#cfdcef"), 0.3), snowy=True)
    ground(stage, 0.67, rgb("#e6eef8"))
    for _ in range(10):
        x, y = stage.rng.uniform(0, stage.wide), stage.rng.uniform(0.76, 0.98)
        stage.brush.stroke([(x - 0.06, y), (x, y - 0.01), (x + 0.06, y)], 0.006, rgb("#d3dff0"))
