"""The round, upright body that most animals share, and the parts of faces."""

from collections.abc import Callable

from kinds.offline.drawing.canvas import Brush
from kinds.offline.drawing.look import Look
from kinds.offline.drawing.palette import BLUSH, INK, WHITE, Colour, darker

Part = Callable[[Brush, Look], None]

#: Where the head sits on the body.
HEAD = (0.0, -0.66)


def eyes(head: Brush, apart: float = 0.1, y: float = 0.0, size: float = 0.036) -> None:
    for x in (-apart, apart):
        head.ellipse(x, y, size, size * 1.15, INK)
        head.circle(x - size * 0.3, y - size * 0.4, size * 0.34, WHITE)


def cheeks(head: Brush, apart: float = 0.17, y: float = 0.075) -> None:
    for x in (-apart, apart):
        head.ellipse(x, y, 0.04, 0.026, BLUSH, 0.55)


def smile(head: Brush, y: float = 0.11, half: float = 0.045) -> None:
    head.stroke([(-half, y), (-half / 2, y + half * 0.55), (0, y), (half / 2, y + half * 0.55), (half, y)], 0.012, INK)


def nose(head: Brush, y: float = 0.06, size: float = 0.032, colour: Colour = INK) -> None:
    head.blob([(-size, y - size * 0.5), (size, y - size * 0.5), (0, y + size * 0.8)], colour)


def body(brush: Brush, look: Look, *, belly: Colour | None = None) -> None:
    """Feet, arms, trunk and belly, up to the neck."""
    limb = darker(look.coat, 0.07)
    for x in (-0.13, 0.13):
        brush.ellipse(x, -0.04, 0.1, 0.055, limb)
    hand = (0.36, -0.6) if look.wave else (0.27, -0.24)
    brush.stroke([(0.15, -0.4), (0.26, -0.42 if look.wave else -0.34), hand], 0.095, limb)
    brush.stroke([(-0.15, -0.4), (-0.26, -0.34), (-0.27, -0.24)], 0.095, limb)
    brush.blob([(0, -0.56), (0.17, -0.46), (0.23, -0.22), (0.17, -0.03), (0, 0.0), (-0.17, -0.03), (-0.23, -0.22),
                (-0.17, -0.46)], look.coat)  # fmt: skip
    brush.ellipse(0, -0.22, 0.145, 0.19, belly or look.trim)


def plush(  # an animal is its parts
    brush: Brush, look: Look, *, behind: Part | None = None, ears: Part, face: Part, belly: Colour | None = None
) -> None:
    """An upright animal: tail or back first, then the body, then the head with its ears and face."""
    if behind:
        behind(brush, look)
    body(brush, look, belly=belly)
    head = brush.at(*HEAD, turn=look.tilt)
    ears(head, look)
    head.ellipse(0, 0, 0.27, 0.235, look.coat)
    face(head, look)


def pointed_ears(inner: Colour, *, high: float = 0.2, tip: Colour | None = None) -> Part:
    def draw(head: Brush, look: Look) -> None:
        for side in (-1, 1):
            outer = [(side * 0.25, -0.02), (side * 0.235, -0.17 - high), (side * 0.07, -0.2)]
            head.polygon(outer, look.coat)
            head.polygon([(side * 0.22, -0.1), (side * 0.215, -0.12 - high), (side * 0.11, -0.2)], inner)
            if tip:
                head.polygon(
                    [(side * 0.239, -0.1 - high), (side * 0.235, -0.17 - high), (side * 0.165, -0.115 - high)], tip
                )

    return draw


def round_ears(inner: Colour, size: float = 0.09, *, apart: float = 0.2, outer: Colour | None = None) -> Part:
    def draw(head: Brush, look: Look) -> None:
        for x in (-apart, apart):
            head.circle(x, -0.17, size, outer or look.coat)
            head.circle(x, -0.17, size * 0.6, inner)

    return draw


def muzzle(head: Brush, colour: Colour, *, y: float = 0.09, wide: float = 0.12, high: float = 0.085) -> None:
    head.ellipse(0, y, wide, high, colour)


def plain_face(head: Brush, look: Look) -> None:
    muzzle(head, look.trim)
    eyes(head, 0.11, -0.02)
    cheeks(head)
    nose(head, 0.055)
    smile(head, 0.095)
