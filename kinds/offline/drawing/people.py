"""Children, grown-ups, royalty and other people."""

from collections.abc import Callable
from dataclasses import replace

from kinds.offline.drawing.canvas import Brush, Point
from kinds.offline.drawing.look import Drawing, Look
from kinds.offline.drawing.palette import (
    AMBER,
    CREAM,
    GLOW,
    GOLD,
    INDIGO,
    INK,
    PINK,
    RED,
    SLATE,
    STONE,
    WHITE,
    WOOD,
    Colour,
    darker,
    lighter,
    mix,
    rgb,
)  # fmt: skip
from kinds.offline.drawing.plush import cheeks, eyes
from kinds.offline.drawing.sky import star

Wear = Callable[[Brush, Look], None]

_HEAD_Y = -0.74
_GREY_HAIR = rgb("#d5d3dc")


def person(  # a person is what they wear
    brush: Brush, look: Look, *, dress: bool = False, hair: Wear, hat: Wear | None = None, beard: Wear | None = None
) -> None:
    """A person one unit high: legs, clothes, arms, then the head with hair and hat. Hair hangs behind the face."""
    _legs(brush, look, bare=dress)
    _clothes(brush, look, dress=dress)
    _arms(brush, look)
    head = brush.at(0, _HEAD_Y, turn=look.tilt * 0.7)
    hair(head, look)
    for x in (-0.185, 0.185):
        head.circle(x, 0.02, 0.035, look.skin)
    head.ellipse(0, 0.01, 0.185, 0.175, look.skin)
    _fringe(head, look)
    eyes(head, 0.075, 0.03, 0.026)
    cheeks(head, 0.12, 0.085)
    head.stroke([(-0.05, 0.1), (0, 0.125), (0.05, 0.1)], 0.013, darker(look.skin, 0.55))
    head.ellipse(0, 0.065, 0.014, 0.01, darker(look.skin, 0.2))
    if beard:
        beard(head, look)
    if hat:
        hat(head, look)


def _legs(brush: Brush, look: Look, *, bare: bool) -> None:
    for x in (-0.075, 0.075):
        brush.box(x - 0.045, -0.26, 0.09, 0.25, look.skin if bare else darker(look.coat, 0.45))
        brush.ellipse(x * 1.15, -0.025, 0.07, 0.035, darker(WOOD, 0.35))


def _clothes(brush: Brush, look: Look, *, dress: bool) -> None:
    if dress:
        brush.blob(
            [(-0.1, -0.58), (0.1, -0.58), (0.15, -0.38), (0.25, -0.14), (0, -0.1), (-0.25, -0.14), (-0.15, -0.38)],
            look.coat,
        )
        brush.stroke([(-0.22, -0.15), (0, -0.115), (0.22, -0.15)], 0.025, lighter(look.coat, 0.5))
    else:
        brush.box(-0.14, -0.58, 0.28, 0.38, look.coat, round_by=0.08)
        brush.box(-0.14, -0.27, 0.28, 0.08, darker(look.coat, 0.45), round_by=0.03)
        for y in (-0.48, -0.4):
            brush.box(-0.135, y, 0.27, 0.028, lighter(look.coat, 0.5))
    brush.ellipse(0, -0.57, 0.07, 0.025, lighter(look.coat, 0.5))


def _arms(brush: Brush, look: Look) -> None:
    sleeve = darker(look.coat, 0.1)
    hand: Point = (0.3, -0.68) if look.wave else (0.23, -0.3)
    elbow: Point = (0.25, -0.5) if look.wave else (0.2, -0.4)
    brush.stroke([(0.11, -0.52), elbow], 0.085, sleeve)
    brush.stroke([elbow, hand], 0.06, look.skin)
    brush.stroke([(-0.11, -0.52), (-0.2, -0.4)], 0.085, sleeve)
    brush.stroke([(-0.2, -0.4), (-0.23, -0.3)], 0.06, look.skin)


def _fringe(head: Brush, look: Look) -> None:
    if look.style % 2:
        head.blob([(-0.19, 0.0), (-0.17, -0.13), (0, -0.2), (0.17, -0.13), (0.19, 0.0), (0.12, -0.07), (0, -0.085),
            (-0.12, -0.07)],
                  look.hair)  # fmt: skip
    else:
        head.blob(
            [(-0.19, 0.02), (-0.17, -0.13), (0, -0.2), (0.17, -0.13), (0.195, 0.0), (0.1, -0.1), (-0.05, -0.13)],
            look.hair,
        )


def short_hair(head: Brush, look: Look) -> None:
    head.ellipse(0, -0.035, 0.205, 0.175, look.hair)
    for x, y in ((-0.1, -0.19), (0.0, -0.215), (0.1, -0.19)):
        head.circle(x, y, 0.045, look.hair)


def long_hair(head: Brush, look: Look) -> None:
    head.ellipse(0, -0.03, 0.22, 0.185, look.hair)
    head.blob([(-0.22, -0.05), (0.22, -0.05), (0.25, 0.22), (0.12, 0.29), (-0.12, 0.29), (-0.25, 0.22)], look.hair)


def bunches(head: Brush, look: Look) -> None:
    head.ellipse(0, -0.03, 0.212, 0.185, look.hair)
    for side in (-1, 1):
        head.ellipse(side * 0.27, 0.08, 0.075, 0.13, look.hair, turn=side * -12)
        head.circle(side * 0.22, -0.04, 0.035, lighter(look.coat, 0.3))


def bun(head: Brush, look: Look) -> None:
    head.circle(0, -0.23, 0.095, look.hair)
    head.ellipse(0, -0.03, 0.212, 0.185, look.hair)


def girl(brush: Brush, look: Look) -> None:
    person(brush, look, dress=True, hair=(long_hair, bunches, bun, bunches)[look.style])


def boy(brush: Brush, look: Look) -> None:
    person(brush, look, hair=short_hair)


def woman(brush: Brush, look: Look) -> None:
    person(brush, look, dress=True, hair=bun if look.style % 2 else long_hair)


def man(brush: Brush, look: Look) -> None:
    person(brush, look, hair=short_hair, beard=_short_beard if look.style % 2 else None)


def grandmother(brush: Brush, look: Look) -> None:
    person(brush, replace(look, hair=_GREY_HAIR), dress=True, hair=bun, hat=_glasses)


def grandfather(brush: Brush, look: Look) -> None:
    person(brush, replace(look, hair=_GREY_HAIR), hair=short_hair, beard=_moustache, hat=_glasses)


def _glasses(head: Brush, _: Look) -> None:
    for side in (-1, 1):
        ring = [(side * 0.075 + 0.05 * u, 0.03 + 0.05 * v) for u, v in ((1, 0), (0, 1), (-1, 0), (0, -1), (1, 0))]
        head.stroke(ring, 0.01, INDIGO)
    head.stroke([(-0.025, 0.03), (0.025, 0.03)], 0.01, INDIGO)


def _moustache(head: Brush, look: Look) -> None:
    for side in (-1, 1):
        head.ellipse(side * 0.045, 0.092, 0.055, 0.022, look.hair, turn=side * 18)


def _short_beard(head: Brush, look: Look) -> None:
    head.blob(
        [(-0.17, 0.05), (-0.12, 0.17), (0, 0.21), (0.12, 0.17), (0.17, 0.05), (0.09, 0.13), (0, 0.145), (-0.09, 0.13)],
        look.hair,
    )


def _long_beard(head: Brush, look: Look) -> None:
    head.blob(
        [(-0.17, 0.04), (-0.15, 0.2), (0, 0.46), (0.15, 0.2), (0.17, 0.04), (0.08, 0.11), (-0.08, 0.11)], look.hair
    )
    _moustache(head, replace(look, hair=lighter(look.hair, 0.4)))


def crown(head: Brush, _: Look) -> None:
    head.polygon(
        [(-0.14, -0.13), (-0.17, -0.31), (-0.075, -0.21), (0, -0.34), (0.075, -0.21), (0.17, -0.31), (0.14, -0.13)],
        GOLD,
    )
    head.box(-0.14, -0.165, 0.28, 0.035, AMBER)
    for x, colour in ((-0.08, RED), (0, rgb("#5b97d3")), (0.08, RED)):
        head.circle(x, -0.148, 0.014, colour)


def princess(brush: Brush, look: Look) -> None:
    person(brush, look, dress=True, hair=long_hair, hat=crown)
    star(brush, 0, -0.42, 0.045, GOLD)


def queen(brush: Brush, look: Look) -> None:
    _cape(brush, RED)
    person(brush, look, dress=True, hair=bun if look.style % 2 else long_hair, hat=crown)


def king(brush: Brush, look: Look) -> None:
    _cape(brush, RED)
    person(brush, look, hair=short_hair, hat=crown, beard=_short_beard)


def prince(brush: Brush, look: Look) -> None:
    _cape(brush, darker(look.coat, 0.3))
    person(brush, look, hair=short_hair, hat=crown)


def _cape(brush: Brush, colour: Colour) -> None:
    brush.blob(
        [(-0.12, -0.57), (0.12, -0.57), (0.26, -0.3), (0.3, -0.05), (0, -0.02), (-0.3, -0.05), (-0.26, -0.3)], colour
    )


def knight(brush: Brush, look: Look) -> None:
    steel = replace(look, coat=rgb("#aeb6c6"))
    person(brush, steel, hair=short_hair, hat=_helmet)
    brush.blob([(-0.36, -0.46), (-0.14, -0.46), (-0.15, -0.24), (-0.25, -0.13), (-0.35, -0.24)], look.coat)
    star(brush, -0.25, -0.33, 0.07, GOLD)


def _helmet(head: Brush, look: Look) -> None:
    head.stroke([(0, -0.2), (0.08, -0.34), (0.22, -0.3)], 0.06, RED)
    head.blob(
        [(-0.21, 0.0), (-0.2, -0.13), (0, -0.25), (0.2, -0.13), (0.21, 0.0), (0.1, -0.06), (-0.1, -0.06)], look.coat
    )
    head.box(-0.21, -0.07, 0.42, 0.03, darker(look.coat, 0.3), round_by=0.012)


def _pointed_hat(head: Brush, look: Look) -> None:
    head.blob([(-0.2, -0.12), (-0.1, -0.32), (0.04, -0.56), (0.12, -0.3), (0.2, -0.12), (0, -0.09)], look.coat)
    head.ellipse(0, -0.115, 0.29, 0.05, darker(look.coat, 0.18))
    for x, y, size in ((-0.05, -0.25, 0.035), (0.06, -0.33, 0.03)):
        star(head, x, y, size, GOLD)


def wizard(brush: Brush, look: Look) -> None:
    _wand(brush)
    person(brush, replace(look, hair=_GREY_HAIR), dress=True, hair=short_hair, hat=_pointed_hat, beard=_long_beard)


def witch(brush: Brush, look: Look) -> None:
    _wand(brush)
    person(brush, look, dress=True, hair=long_hair, hat=_pointed_hat)


def _wand(brush: Brush) -> None:
    brush.stroke([(-0.23, -0.3), (-0.33, -0.52)], 0.022, WOOD)
    brush.lit().glow(-0.34, -0.56, 0.12, GLOW, 0.6)
    star(brush.lit(), -0.34, -0.56, 0.055)


def fairy(brush: Brush, look: Look) -> None:
    for side in (-1, 1):
        brush.ellipse(side * 0.26, -0.6, 0.22, 0.13, rgb("#e3f1f6"), 0.85, turn=side * -35)
        brush.ellipse(side * 0.22, -0.36, 0.16, 0.09, rgb("#f3e3f3"), 0.85, turn=side * 25)
    _wand(brush)
    person(brush, look, dress=True, hair=bun, hat=_flower_band)


def _flower_band(head: Brush, _: Look) -> None:
    for x, colour in ((-0.11, PINK), (0, CREAM), (0.11, PINK)):
        head.circle(x, -0.15, 0.032, colour)
        head.circle(x, -0.15, 0.013, GOLD)


def pirate(brush: Brush, look: Look) -> None:
    person(brush, look, hair=short_hair, hat=_tricorn)
    brush.box(-0.15, -0.3, 0.3, 0.045, darker(WOOD, 0.3))
    brush.box(-0.03, -0.305, 0.06, 0.055, GOLD)


def _tricorn(head: Brush, _: Look) -> None:
    head.blob([(-0.31, -0.1), (-0.22, -0.22), (0, -0.34), (0.22, -0.22), (0.31, -0.1), (0, -0.13)], rgb("#3d3550"))
    head.circle(0, -0.2, 0.045, CREAM)
    head.box(-0.022, -0.185, 0.044, 0.035, CREAM)
    for x in (-0.016, 0.016):
        head.circle(x, -0.205, 0.011, INK)
    head.ellipse(-0.075, 0.03, 0.05, 0.042, INK)
    head.stroke([(-0.19, -0.02), (-0.075, 0.0), (0.1, -0.1)], 0.014, INK)


def astronaut(brush: Brush, look: Look) -> None:
    suit = replace(look, coat=rgb("#f1f2f6"))
    brush.box(-0.2, -0.6, 0.4, 0.36, STONE, round_by=0.06)
    head = brush.at(0, _HEAD_Y)
    head.circle(0, 0, 0.255, rgb("#dfe3ec"))
    person(brush, suit, hair=short_hair)
    head.circle(0, 0.01, 0.235, rgb("#bfe3f4"), 0.28)
    head.ellipse(-0.1, -0.1, 0.05, 0.025, WHITE, 0.8, turn=-40)
    brush.box(-0.07, -0.46, 0.14, 0.09, look.coat, round_by=0.02)


def mermaid(brush: Brush, look: Look) -> None:
    tail = mix(look.coat, rgb("#3fa79b"), 0.6)
    _arms(brush, replace(look, coat=look.skin))
    brush.box(-0.12, -0.58, 0.24, 0.3, look.skin, round_by=0.06)
    brush.blob([(-0.14, -0.36), (0.14, -0.36), (0.14, -0.18), (0.04, -0.04), (0.2, 0.0), (-0.02, 0.04), (-0.2, -0.02),
                (-0.06, -0.06), (-0.15, -0.2)], tail)  # fmt: skip
    for side in (-1, 1):
        brush.circle(side * 0.06, -0.48, 0.055, PINK)
    head = brush.at(0, _HEAD_Y, turn=look.tilt)
    long_hair(head, look)
    head.ellipse(0, 0.01, 0.185, 0.175, look.skin)
    _fringe(head, look)
    eyes(head, 0.075, 0.03, 0.026)
    cheeks(head, 0.12, 0.085)
    head.stroke([(-0.05, 0.1), (0, 0.125), (0.05, 0.1)], 0.013, darker(look.skin, 0.55))


def robot(brush: Brush, look: Look) -> None:
    steel, shade = look.coat, darker(look.coat, 0.25)
    for x in (-0.11, 0.11):
        brush.box(x - 0.04, -0.22, 0.08, 0.2, shade)
        brush.box(x - 0.08, -0.07, 0.16, 0.07, darker(SLATE, 0.2), round_by=0.03)
    hand = (0.4, -0.7) if look.wave else (0.35, -0.28)
    for start, end in (((0.2, -0.46), hand), ((-0.2, -0.46), (-0.35, -0.28))):
        brush.stroke([start, end], 0.07, shade)
        brush.circle(*end, 0.06, GOLD)
    brush.box(-0.23, -0.56, 0.46, 0.38, steel, round_by=0.07)
    brush.box(-0.13, -0.47, 0.26, 0.19, lighter(steel, 0.6), round_by=0.03)
    for x, colour in ((-0.07, RED), (0.0, GOLD), (0.07, rgb("#6fae5c"))):
        brush.circle(x, -0.42, 0.024, colour)
    brush.stroke([(-0.08, -0.34), (-0.03, -0.36), (0.02, -0.32), (0.08, -0.35)], 0.014, shade)
    head = brush.at(0, -0.58, turn=look.tilt)
    head.stroke([(0, -0.3), (0, -0.4)], 0.025, shade)
    head.lit().glow(0, -0.42, 0.1, GLOW, 0.5)
    head.circle(0, -0.42, 0.035, RED)
    for x in (-0.27, 0.27):
        head.circle(x, -0.15, 0.05, GOLD)
    head.box(-0.25, -0.31, 0.5, 0.32, steel, round_by=0.09)
    head.box(-0.2, -0.26, 0.4, 0.22, rgb("#2f3b5c"), round_by=0.07)
    for x in (-0.09, 0.09):
        head.lit().circle(x, -0.165, 0.042, rgb("#9be8ef"))
        head.lit().circle(x - 0.012, -0.18, 0.014, WHITE)
    head.lit().stroke([(-0.05, -0.085), (0, -0.07), (0.05, -0.085)], 0.014, rgb("#9be8ef"))


def ghost(brush: Brush, look: Look) -> None:
    edge = [(-0.34, 0.0), (-0.22, -0.08), (-0.11, 0.0), (0, -0.08), (0.11, 0.0), (0.22, -0.08), (0.34, 0.0)]
    sheet = mix(WHITE, look.coat, 0.12)
    brush.blob([(-0.34, -0.4), (-0.26, -0.82), (0, -1.0), (0.26, -0.82), (0.34, -0.4), *reversed(edge)], sheet)
    brush.ellipse(0.36, -0.56 if look.wave else -0.42, 0.12, 0.07, sheet, turn=-35)
    face = brush.at(0, -0.66, turn=look.tilt)
    eyes(face, 0.1, 0, 0.045)
    cheeks(face, 0.18, 0.1)
    face.ellipse(0, 0.12, 0.035, 0.045, INK)


def snowman(brush: Brush, look: Look) -> None:
    snow = rgb("#fbfcff")
    for side in (-1, 1):
        brush.stroke([(side * 0.18, -0.46), (side * 0.42, -0.62)], 0.03, WOOD)
    brush.circle(0, -0.23, 0.26, darker(snow, 0.06))
    brush.circle(-0.02, -0.24, 0.24, snow)
    brush.circle(0, -0.5, 0.19, snow)
    brush.circle(0, -0.74, 0.16, snow)
    brush.stroke([(-0.14, -0.62), (0, -0.58), (0.14, -0.62)], 0.07, look.coat)
    brush.stroke([(0.1, -0.6), (0.14, -0.44)], 0.065, look.coat)
    eyes(brush.at(0, -0.78), 0.055, 0, 0.022)
    brush.polygon([(0, -0.75), (0.17, -0.71), (0, -0.69)], AMBER)
    for y in (-0.48, -0.4, -0.28):
        brush.circle(0, y, 0.02, INK)
    brush.box(-0.19, -0.9, 0.38, 0.035, INDIGO)
    brush.box(-0.12, -1.04, 0.24, 0.16, INDIGO)
    brush.box(-0.12, -0.93, 0.24, 0.035, RED)


PEOPLE: dict[str, Drawing] = {
    "girl": girl, "boy": boy, "woman": woman, "man": man, "grandmother": grandmother, "grandfather": grandfather,
    "princess": princess, "queen": queen, "king": king, "prince": prince, "knight": knight, "wizard": wizard,
    "witch": witch, "fairy": fairy, "pirate": pirate, "astronaut": astronaut, "mermaid": mermaid,
}  # fmt: skip
