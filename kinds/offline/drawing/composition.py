"""Where each subject stands, so that none hides another."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from kinds.offline.drawing.catalogue import Entry, Home
from kinds.offline.drawing.look import Look


@dataclass(frozen=True)
class Figure:
    """A subject to be placed. `size` is its height in picture heights."""

    entry: Entry
    look: Look
    size: float

    @property
    def width(self) -> float:
        return self.size * self.entry.wide


@dataclass(frozen=True)
class Spot:
    """A figure with its place: the middle of its feet, in picture heights. Deeper spots are painted first."""

    figure: Figure
    x: float
    y: float
    size: float
    flip: bool
    depth: float
    grounded: bool


_MARGIN = 0.05
#: So few may be drawn larger than life.
_FEW = 2
#: Small things on their own are drawn larger, up to this height and this many times their size.
_LARGE = 0.36
_MAX_GROWN = 1.9
_GAP = 0.035


def arrange(figures: Sequence[Figure], *, wide: float, rng: Random, water: bool, floating: bool) -> list[Spot]:
    """A spot for each figure. One row for all that stand, side by side, and one for all that fly."""
    flying = [figure for figure in figures if figure.entry.home is Home.SKY]
    standing = [figure for figure in figures if figure.entry.home is not Home.SKY]
    if not standing and flying and flying[0].entry.size < _HERO_SIZE:
        flying = [_grown(flying[0]), *flying[1:]]
    rows = [*_standing_row(standing, wide, rng, water=water, floating=floating)]
    tops = [(spot.x, spot.figure.width * spot.size / spot.figure.size, spot.y - spot.size) for spot in rows]
    return [*rows, *_flying_row(flying, wide, rng, tops)]


_HERO_SIZE = 0.3


def _grown(figure: Figure) -> Figure:
    """A small flyer that is alone in the picture is drawn large."""
    return Figure(figure.entry, figure.look, min(figure.size * 2.0, 1.2 * _HERO_SIZE))


def _standing_row(figures: Sequence[Figure], wide: float, rng: Random, *, water: bool, floating: bool) -> list[Spot]:
    order = _shuffled(figures, rng)
    room = wide - 2 * _MARGIN - _GAP * max(0, len(order) - 1)
    needed = sum(figure.width for figure in order)
    tallest = max((figure.size for figure in order), default=_LARGE)
    roomy = 1.18 if len(order) <= _FEW else 1.0
    wanted = max(roomy, min(_LARGE / tallest, _MAX_GROWN))
    scale = min(wanted, room / needed) if needed else 1.0
    slack = max(0.0, room - needed * scale)
    gaps = [rng.uniform(0.6, 1.4) for _ in range(len(order) + 1)]
    share = slack / sum(gaps)
    spots: list[Spot] = []
    x = _MARGIN
    for index, figure in enumerate(order):
        x += gaps[index] * share
        size, width = figure.size * scale, figure.width * scale
        middle = x + width / 2
        y = _foot(figure, rng, water=water, floating=floating)
        flip = middle > wide / 2
        spots.append(Spot(figure, middle, y, size, flip, y, grounded=True))
        x += width + _GAP
    return spots


def _foot(figure: Figure, rng: Random, *, water: bool, floating: bool) -> float:
    if figure.entry.home is Home.BACK:
        return rng.uniform(0.75, 0.78)
    if floating:
        return rng.uniform(0.66, 0.88)
    if water:
        return rng.uniform(0.82, 0.9) if figure.entry.home is Home.WATER else rng.uniform(0.86, 0.92)
    return rng.uniform(0.87, 0.94)


def _shuffled(figures: Sequence[Figure], rng: Random) -> list[Figure]:
    """The most important near the middle third, never at the outer edge of a crowd."""
    row: list[Figure] = []
    left = rng.random() < 0.5
    for figure in figures:
        row = [figure, *row] if left else [*row, figure]
        left = not left
    return row


def _flying_row(
    figures: Sequence[Figure], wide: float, rng: Random, tops: list[tuple[float, float, float]]
) -> list[Spot]:
    spots: list[Spot] = []
    for figure in figures:
        choices = [_flying_spot(figure, wide, rng) for _ in range(24)]
        spots.append(min(choices, key=lambda spot: _crowding(spot, spots, tops)))
    return spots


def _flying_spot(figure: Figure, wide: float, rng: Random) -> Spot:
    x = rng.uniform(_MARGIN + figure.width / 2, max(_MARGIN + figure.width / 2, wide - _MARGIN - figure.width / 2))
    top = rng.uniform(0.05, 0.3)
    return Spot(figure, x, top + figure.size, figure.size, x > wide / 2, -1.0, grounded=False)


def _crowding(spot: Spot, others: Sequence[Spot], tops: list[tuple[float, float, float]]) -> float:
    """How much a flyer would cover what is already there; 0 when nothing."""
    covered = 0.0
    for other in others:
        near = (spot.figure.width + other.figure.width) / 2 + _GAP - abs(spot.x - other.x)
        covered += max(0.0, near)
    for x, width, top in tops:
        across = (spot.figure.width + width) / 2 - abs(spot.x - x)
        down = spot.y - top
        if across > 0 and down > 0:
            covered += min(across, down)
    return covered
