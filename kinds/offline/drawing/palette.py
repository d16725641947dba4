"""Colours of the picture books, and how light changes them."""

from kinds.offline.seeding import dice

Colour = tuple[int, int, int]


def rgb(code: str) -> Colour:
    """A colour from `#rrggbb`."""
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`share` (0 to 1) of the second colour in the first."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def darker(colour: Colour, share: float = 0.2) -> Colour:
    """Towards a warm dark blue, not black: shadows keep some life."""
    return mix(colour, INDIGO, share)


def lighter(colour: Colour, share: float = 0.4) -> Colour:
    return mix(colour, CREAM, share)


def filtered(colour: Colour, tint: Colour) -> Colour:
    """The colour as seen in light of the given tint; white light changes nothing."""
    red, green, blue = (a * b // 255 for a, b in zip(colour, tint, strict=True))
    return red, green, blue


WHITE = rgb("#ffffff")
CREAM = rgb("#fff6e3")
INDIGO = rgb("#2b2350")
INK = rgb("#3a2d3f")
BLUSH = rgb("#f28a8a")
PINK = rgb("#f4b3b0")
GOLD = rgb("#f6c244")
AMBER = rgb("#f39c3d")
RED = rgb("#d9534a")
BLUE = rgb("#4f8cc9")
GREEN = rgb("#6fae5c")
LEAF = rgb("#4f9a5b")
PINE = rgb("#3d7d63")
WOOD = rgb("#9a6a45")
STONE = rgb("#a9a7b8")
SLATE = rgb("#6d7390")
SEA = rgb("#4aa3c4")
SAND = rgb("#f0d9a4")
SNOW = rgb("#f3f7fc")
GLOW = rgb("#ffe49a")

#: Colour words a subject may carry ("orange fox", "girl in red").
NAMED: dict[str, Colour] = {
    "red": RED,
    "orange": rgb("#ea8a3e"),
    "yellow": rgb("#f3cb52"),
    "golden": rgb("#eab543"),
    "gold": rgb("#eab543"),
    "green": rgb("#74b562"),
    "teal": rgb("#3fa79b"),
    "turquoise": rgb("#4dbdb4"),
    "blue": rgb("#5b97d3"),
    "purple": rgb("#8f74c4"),
    "violet": rgb("#8f74c4"),
    "lilac": rgb("#b9a0dc"),
    "pink": rgb("#ee9bb1"),
    "brown": rgb("#a9744c"),
    "black": rgb("#4b4654"),
    "grey": rgb("#a3a5b3"),
    "gray": rgb("#a3a5b3"),
    "silver": rgb("#c0c5d4"),
    "white": rgb("#f6f1e8"),
}

SKINS = tuple(map(rgb, ("#f8d8bd", "#f0c19c", "#d99f72", "#b07a50", "#85573a")))
HAIRS = tuple(map(rgb, ("#4a3328", "#2f2a33", "#8a5a34", "#c9803e", "#e2b85c", "#a8452f")))
CLOTHES = ("red", "blue", "teal", "yellow", "purple", "green", "orange", "pink")


def clothes(name: str) -> Colour:
    """The same clothes for the same name, always."""
    return NAMED[dice("clothes", name).choice(CLOTHES)]
