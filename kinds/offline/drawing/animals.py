"""Upright furry animals: each is the shared body with its own ears, face and tail."""

import itertools
from dataclasses import replace

from kinds.offline.drawing.canvas import Brush
from kinds.offline.drawing.look import Look
from kinds.offline.drawing.palette import CREAM, INK, PINK, WHITE, WOOD, darker, lighter, mix, rgb
from kinds.offline.drawing.plush import (
    cheeks,
    eyes,
    muzzle,
    nose,
    plain_face,
    plush,
    pointed_ears,
    round_ears,
    smile,
)  # fmt: skip

_DARK = rgb("#4d3b44")


def fox(brush: Brush, look: Look) -> None:
    plush(brush, look, behind=_fox_tail, ears=pointed_ears(_DARK, tip=_DARK), face=_fox_face, belly=CREAM)


def _fox_tail(brush: Brush, look: Look) -> None:
    brush.blob([(0.1, -0.06), (0.36, -0.08), (0.5, -0.3), (0.44, -0.56), (0.32, -0.36), (0.2, -0.24)],
               darker(look.coat, 0.08))  # fmt: skip
    brush.blob([(0.5, -0.34), (0.44, -0.57), (0.355, -0.42), (0.42, -0.4)], CREAM)


def _fox_face(head: Brush, _: Look) -> None:
    for side in (-1, 1):
        head.blob([(0, 0.215), (side * 0.12, 0.2), (side * 0.25, 0.07), (side * 0.16, 0.0), (side * 0.05, 0.05),
            (0, 0.1)],
                  CREAM)  # fmt: skip
    eyes(head, 0.11, -0.02)
    cheeks(head, 0.18, 0.08)
    nose(head, 0.1, 0.036)
    smile(head, 0.145, 0.04)


def wolf(brush: Brush, look: Look) -> None:
    plush(brush, look, behind=_fox_tail, ears=pointed_ears(darker(look.coat, 0.3)), face=_fox_face, belly=look.trim)


def rabbit(brush: Brush, look: Look) -> None:
    plush(brush, look, behind=_bunny_tail, ears=_long_ears, face=_rabbit_face)


def _bunny_tail(brush: Brush, _: Look) -> None:
    brush.circle(0.22, -0.1, 0.075, WHITE)


def _long_ears(head: Brush, look: Look) -> None:
    for side in (-1, 1):
        ear = head.at(side * 0.11, -0.16, turn=side * 13)
        ear.ellipse(0, -0.16, 0.075, 0.2, look.coat)
        ear.ellipse(0, -0.15, 0.042, 0.15, PINK)


def _rabbit_face(head: Brush, look: Look) -> None:
    muzzle(head, look.trim, wide=0.1, high=0.07)
    eyes(head, 0.11, -0.02)
    cheeks(head)
    nose(head, 0.055, 0.028, rgb("#e5858a"))
    head.box(-0.025, 0.12, 0.05, 0.045, WHITE, round_by=0.012)
    smile(head, 0.095, 0.045)


def bear(brush: Brush, look: Look) -> None:
    plush(brush, look, ears=round_ears(look.trim), face=plain_face)


def panda(brush: Brush, look: Look) -> None:
    white = replace(look, coat=rgb("#f6f3ee"), trim=WHITE)
    plush(brush, white, ears=round_ears(_DARK, outer=_DARK), face=_panda_face, behind=_panda_back)
    brush.stroke([(-0.18, -0.42), (0, -0.4), (0.18, -0.42)], 0.09, _DARK)
    for x in (-0.13, 0.13):
        brush.ellipse(x, -0.04, 0.1, 0.055, _DARK)


def _panda_back(brush: Brush, look: Look) -> None:
    hand = (0.38, -0.62) if look.wave else (0.3, -0.22)
    brush.stroke([(0.15, -0.4), hand], 0.13, _DARK)
    brush.stroke([(-0.15, -0.4), (-0.3, -0.22)], 0.13, _DARK)


def _panda_face(head: Brush, look: Look) -> None:
    for side in (-1, 1):
        head.ellipse(side * 0.115, -0.01, 0.065, 0.08, _DARK, turn=side * 25)
    muzzle(head, WHITE)
    for x in (-0.105, 0.105):
        head.circle(x, -0.015, 0.034, WHITE)
    eyes(head, 0.105, -0.012, 0.026)
    nose(head, 0.065)
    smile(head, 0.1)
    if look.tilt > 0:
        cheeks(head)


def cat(brush: Brush, look: Look) -> None:
    plush(brush, look, behind=_cat_tail, ears=pointed_ears(PINK, high=0.13), face=_cat_face)


def _cat_tail(brush: Brush, look: Look) -> None:
    brush.stroke(
        [(0.12, -0.05), (0.36, -0.06), (0.42, -0.28), (0.36, -0.46), (0.44, -0.56)], 0.075, darker(look.coat, 0.1)
    )


def _cat_face(head: Brush, look: Look) -> None:
    stripe = darker(look.coat, 0.25)
    for x, long in ((-0.06, 0.07), (0, 0.1), (0.06, 0.07)):
        head.stroke([(x, -0.21), (x * 0.8, -0.21 + long)], 0.022, stripe)
    muzzle(head, look.trim, wide=0.1, high=0.065)
    eyes(head, 0.115, -0.02, 0.04)
    nose(head, 0.06, 0.026, rgb("#e5858a"))
    smile(head, 0.09)
    cheeks(head, 0.19)
    for side in (-1, 1):
        for y in (0.07, 0.11):
            head.stroke([(side * 0.14, y), (side * 0.31, y - 0.02 + (y - 0.09))], 0.008, INK)


def dog(brush: Brush, look: Look) -> None:
    plush(brush, look, behind=_dog_tail, ears=_no_ears, face=_dog_face)


def _no_ears(_: Brush, __: Look) -> None:
    """Ears that hang over the face are drawn with it."""


def _dog_tail(brush: Brush, look: Look) -> None:
    brush.stroke([(0.15, -0.1), (0.32, -0.2), (0.36, -0.38)], 0.07, darker(look.coat, 0.1))


def _dog_face(head: Brush, look: Look) -> None:
    ear = darker(look.coat, 0.28)
    head.ellipse(0.11, -0.03, 0.085, 0.1, lighter(look.coat, 0.5))
    muzzle(head, look.trim, y=0.1, wide=0.14, high=0.1)
    for side in (-1, 1):
        head.blob(
            [(side * 0.14, -0.2), (side * 0.25, -0.2), (side * 0.34, 0.03), (side * 0.29, 0.15), (side * 0.22, 0.04)],
            ear,
        )
    eyes(head, 0.1, -0.03)
    head.blob([(-0.03, 0.14), (0.03, 0.14), (0.025, 0.2), (-0.025, 0.2)], rgb("#ea7f86"))
    nose(head, 0.07, 0.045)
    smile(head, 0.125, 0.055)


def mouse(brush: Brush, look: Look) -> None:
    plush(brush, look, behind=_mouse_tail, ears=round_ears(PINK, 0.15, apart=0.235), face=_mouse_face)


def _mouse_tail(brush: Brush, _: Look) -> None:
    brush.stroke([(0.12, -0.05), (0.34, -0.03), (0.44, -0.16), (0.38, -0.28), (0.48, -0.38)], 0.03, rgb("#e3a2a0"))


def _mouse_face(head: Brush, look: Look) -> None:
    muzzle(head, look.trim, wide=0.09, high=0.06)
    eyes(head, 0.1, -0.02)
    cheeks(head)
    nose(head, 0.06, 0.03, rgb("#e57f86"))
    smile(head, 0.1, 0.035)
    for side in (-1, 1):
        head.stroke([(side * 0.12, 0.09), (side * 0.26, 0.07)], 0.007, INK)


def lion(brush: Brush, look: Look) -> None:
    plush(brush, look, behind=_tufted_tail, ears=_mane, face=plain_face)


def _tufted_tail(brush: Brush, look: Look) -> None:
    brush.stroke([(0.12, -0.05), (0.36, -0.08), (0.42, -0.3)], 0.05, look.coat)
    brush.circle(0.42, -0.35, 0.07, darker(look.coat, 0.3))


def _mane(head: Brush, look: Look) -> None:
    mane = mix(look.coat, rgb("#9c4f2c"), 0.62)
    for turn in range(0, 360, 30):
        head.at(0, 0, turn=turn).circle(0, -0.27, 0.1, mane)
    head.circle(0, 0, 0.3, mane)
    round_ears(look.trim, 0.075, apart=0.2)(head, look)


def tiger(brush: Brush, look: Look) -> None:
    plush(brush, look, behind=_cat_tail, ears=round_ears(PINK, 0.085), face=_tiger_face)


def _tiger_face(head: Brush, look: Look) -> None:
    for side in (-1, 1):
        for y in (-0.04, 0.03, 0.1):
            head.polygon([(side * 0.28, y - 0.012), (side * 0.28, y + 0.024), (side * 0.18, y + 0.008)], INK)
    for x in (-0.06, 0, 0.06):
        head.stroke([(x, -0.2), (x * 0.7, -0.12)], 0.022, INK)
    plain_face(head, look)


def squirrel(brush: Brush, look: Look) -> None:
    plush(brush, look, behind=_squirrel_tail, ears=pointed_ears(look.trim, high=0.12), face=_rabbit_face)


def _squirrel_tail(brush: Brush, look: Look) -> None:
    shade = darker(look.coat, 0.12)
    brush.blob([(0.1, -0.02), (0.36, -0.06), (0.52, -0.3), (0.5, -0.62), (0.64, -0.78), (0.44, -0.92), (0.3, -0.74),
                (0.32, -0.4), (0.2, -0.2)], shade)  # fmt: skip
    brush.stroke([(0.3, -0.12), (0.42, -0.36), (0.4, -0.66), (0.48, -0.8)], 0.06, lighter(shade, 0.35))


def raccoon(brush: Brush, look: Look) -> None:
    plush(brush, look, behind=_ringed_tail, ears=round_ears(_DARK, 0.085), face=_raccoon_face)


def _ringed_tail(brush: Brush, look: Look) -> None:
    line = [(0.14, -0.08), (0.28, -0.08), (0.38, -0.16), (0.43, -0.28), (0.44, -0.42)]
    for index, (start, end) in enumerate(itertools.pairwise(line)):
        brush.stroke([start, end], 0.12, _DARK if index % 2 else look.coat)


def _raccoon_face(head: Brush, look: Look) -> None:
    muzzle(head, WHITE)
    head.blob([(-0.24, 0.03), (-0.12, -0.08), (0, -0.03), (0.12, -0.08), (0.24, 0.03), (0.1, 0.06), (0, 0.02),
        (-0.1, 0.06)],
              _DARK)  # fmt: skip
    for x in (-0.105, 0.105):
        head.circle(x, -0.012, 0.042, WHITE)
    eyes(head, 0.105, -0.01, 0.03)
    nose(head, 0.07)
    smile(head, 0.105)
    if look.tilt > 0:
        cheeks(head, 0.18, 0.1)


def pig(brush: Brush, look: Look) -> None:
    plush(brush, look, ears=_pig_ears, face=_pig_face)


def _pig_ears(head: Brush, look: Look) -> None:
    for side in (-1, 1):
        head.blob([(side * 0.1, -0.2), (side * 0.24, -0.31), (side * 0.26, -0.08)], darker(look.coat, 0.12))


def _pig_face(head: Brush, look: Look) -> None:
    eyes(head, 0.12, -0.03)
    cheeks(head)
    head.ellipse(0, 0.06, 0.09, 0.065, darker(look.coat, 0.13))
    for x in (-0.03, 0.03):
        head.ellipse(x, 0.06, 0.015, 0.024, darker(look.coat, 0.5))
    head.stroke([(-0.05, 0.15), (0, 0.175), (0.05, 0.15)], 0.012, INK)


def sheep(brush: Brush, look: Look) -> None:
    face = rgb("#6f5d63") if look.style % 2 else rgb("#f3d9c5")
    for x in (-0.13, 0.13):
        brush.ellipse(x, -0.04, 0.07, 0.06, darker(face, 0.2))
    for x, y in (
        (-0.2, -0.2),
        (0.2, -0.2),
        (-0.22, -0.38),
        (0.22, -0.38),
        (0, -0.14),
        (-0.1, -0.5),
        (0.1, -0.5),
        (0, -0.3),
    ):
        brush.circle(x, y, 0.15, look.coat)
    head = brush.at(0, -0.64, turn=look.tilt)
    for side in (-1, 1):
        head.ellipse(side * 0.24, -0.02, 0.1, 0.05, face, turn=side * 20)
    head.ellipse(0, 0.02, 0.19, 0.2, face)
    for x, y in ((-0.14, -0.14), (0, -0.2), (0.14, -0.14)):
        head.circle(x, y, 0.1, look.coat)
    for x in (-0.08, 0.08):
        head.circle(x, 0.01, 0.045, WHITE)
    eyes(head, 0.08, 0.012, 0.028)
    smile(head, 0.11)


def monkey(brush: Brush, look: Look) -> None:
    plush(brush, look, behind=_cat_tail, ears=_side_ears, face=_monkey_face)


def _side_ears(head: Brush, look: Look) -> None:
    for side in (-1, 1):
        head.circle(side * 0.27, 0.0, 0.085, look.coat)
        head.circle(side * 0.27, 0.0, 0.05, look.trim)


def _monkey_face(head: Brush, look: Look) -> None:
    for x in (-0.085, 0.085):
        head.circle(x, -0.03, 0.105, look.trim)
    head.ellipse(0, 0.09, 0.17, 0.115, look.trim)
    eyes(head, 0.085, -0.02)
    nose(head, 0.06, 0.02)
    head.stroke([(-0.07, 0.12), (0, 0.16), (0.07, 0.12)], 0.014, INK)


def deer(brush: Brush, look: Look) -> None:
    plush(brush, look, ears=_deer_ears, face=plain_face)
    for x, y in ((-0.17, -0.38), (0.17, -0.36), (-0.19, -0.24), (0.2, -0.2)):
        brush.circle(x, y, 0.02, CREAM)


def _deer_ears(head: Brush, look: Look) -> None:
    for side in (-1, 1):
        head.stroke([(side * 0.1, -0.18), (side * 0.14, -0.34), (side * 0.24, -0.42)], 0.03, WOOD)
        head.stroke([(side * 0.13, -0.3), (side * 0.07, -0.4)], 0.026, WOOD)
        head.ellipse(side * 0.28, -0.12, 0.11, 0.055, look.coat, turn=side * -25)
        head.ellipse(side * 0.28, -0.12, 0.07, 0.03, PINK, turn=side * -25)


def hedgehog(brush: Brush, look: Look) -> None:
    soft = replace(look, coat=lighter(look.coat, 0.62), trim=CREAM)
    spines = darker(look.coat, 0.12)
    for y, reach in ((-0.26, 0.36), (-0.7, 0.4)):
        for turn in range(0, 360, 20):
            brush.at(0, y, reach, turn=turn).polygon([(-0.17, -0.6), (0, -1.0), (0.17, -0.6)], spines)
        brush.circle(0, y, reach * 0.82, spines)
    plush(brush, soft, ears=round_ears(PINK, 0.07, apart=0.19), face=_hedgehog_face)
    for x in (-0.13, -0.045, 0.045, 0.13):
        brush.at(x, -0.8, 0.16, turn=x * 120 + look.tilt).polygon([(-0.3, 0), (0, -0.9), (0.3, 0)], spines)


def _hedgehog_face(head: Brush, look: Look) -> None:
    plain_face(head, look)
    nose(head, 0.05, 0.042)


def beast(brush: Brush, look: Look) -> None:
    """A friendly creature of no kind in particular, for animals that have no drawing of their own."""
    plush(brush, look, behind=_beast_tail, ears=_beast_ears, face=plain_face)


def _beast_tail(brush: Brush, look: Look) -> None:
    brush.blob(
        [(0.1, -0.02), (0.34, -0.03), (0.46, -0.2), (0.38, -0.3), (0.3, -0.16), (0.16, -0.16)], darker(look.coat, 0.1)
    )


def _beast_ears(head: Brush, look: Look) -> None:
    for side in (-1, 1):
        for turn in (48, 76, 104):
            frill = head.at(side * 0.14, -0.02, turn=side * turn)
            frill.ellipse(0, -0.2, 0.035, 0.1, mix(look.coat, rgb("#e5778c"), 0.5))
    for side in (-1, 1):
        head.stroke([(side * 0.08, -0.2), (side * 0.1, -0.3)], 0.025, darker(look.coat, 0.2))
        head.circle(side * 0.1, -0.31, 0.035, mix(look.coat, rgb("#e5778c"), 0.5))
