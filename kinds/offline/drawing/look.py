"""How one subject looks, and what a drawing of it is."""

from collections.abc import Callable
from dataclasses import dataclass

from kinds.offline.drawing.canvas import Brush
from kinds.offline.drawing.palette import HAIRS, NAMED, SKINS, Colour, clothes, lighter
from kinds.offline.seeding import dice


@dataclass(frozen=True)
class Look:
    """The colours of a subject, the same on every page, and its pose, which may change.

    `coat` is fur, or clothes for people; `trim` the lighter parts. `tilt` turns the head, in degrees.
    """

    coat: Colour
    trim: Colour
    skin: Colour
    hair: Colour
    style: int
    wave: bool = False
    tilt: float = 0.0


#: Draws a subject one unit high, standing at the origin, y downwards.
Drawing = Callable[[Brush, Look], None]


def look_of(name: str, coats: tuple[Colour, ...], colour_word: str | None, *, wave: bool, tilt: float) -> Look:
    """The look that belongs to a name: its own colour word first, else one of the natural coats, else clothes."""
    rng = dice("look", name)
    natural = rng.choice(coats) if coats else clothes(name)
    coat = NAMED[colour_word] if colour_word else natural
    return Look(coat, lighter(coat, 0.62), rng.choice(SKINS), rng.choice(HAIRS), rng.randrange(4), wave, tilt)
