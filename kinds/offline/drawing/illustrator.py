"""The offline illustrator: draws the scene of a page. The same request gives the same bytes on the same machine."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kinds.offline.drawing import otherworlds, scenery, sky, townscapes
from kinds.offline.drawing.canvas import Brush, Canvas
from kinds.offline.drawing.catalogue import ENTRIES, Entry, Home
from kinds.offline.drawing.composition import Figure, Spot, arrange
from kinds.offline.drawing.look import look_of
from kinds.offline.drawing.naming import Named, read
from kinds.offline.drawing.palette import INDIGO, WHITE, lighter, mix
from kinds.offline.drawing.scenery import Stage
from kinds.offline.seeding import dice

#: More subjects than this would only hide each other.
MAX_SUBJECTS = 6


@dataclass(frozen=True)
class Setting:
    """How a place is painted. `outdoors` has sky and weather; `water` says that swimmers need no pond."""

    paint: Callable[[Stage], None]
    words: tuple[str, ...]
    outdoors: bool = True
    water: bool = False
    floating: bool = False


@dataclass(frozen=True)
class Drawn:
    png: bytes
    stand_ins: list[str]


#: In the order they are looked for: "beach by the sea" is a beach, "castle garden" a garden.
SETTINGS: dict[str, Setting] = {
    "underwater": Setting(
        otherworlds.underwater, ("underwater", "under the sea", "reef", "seabed", "coral", "under the water"),
        outdoors=False, water=True, floating=True,
    ),
    "moon": Setting(otherworlds.moonscape, ("moonscape", "on the moon", "moon surface", "crater"), outdoors=False),
    "space": Setting(
        otherworlds.space, ("space", "stars", "planet", "galaxy", "night sky", "orbit", "sky"),
            outdoors=False, floating=True
    ),
    "cave": Setting(otherworlds.cave, ("cave", "cavern", "tunnel", "burrow", "den", "mine"), outdoors=False),
    "library": Setting(townscapes.bookshelves, ("library", "bookshop", "school", "study"), outdoors=False),
    "kitchen": Setting(townscapes.kitchen, ("kitchen", "bakery", "cafe", "workshop"), outdoors=False),
    "hall": Setting(townscapes.hall, ("hall", "throne", "ballroom", "castle room", "inside the castle"),
    outdoors=False),
    "room": Setting(townscapes.room, ("room", "bedroom", "inside", "indoors", "attic", "nursery"), outdoors=False),
    "garden": Setting(townscapes.garden, ("garden", "yard", "park", "orchard")),
    "beach": Setting(scenery.beach, ("beach", "shore", "island", "coast", "harbour", "harbor", "seaside", "bay")),
    "river": Setting(scenery.river, ("river", "lake", "pond", "stream", "brook", "marsh")),
    "sea": Setting(scenery.sea, ("sea", "ocean", "waves"), water=True),
    "jungle": Setting(scenery.jungle, ("jungle", "rainforest", "tropic")),
    "snow": Setting(scenery.snowfield, ("snow", "ice", "arctic", "winter", "pole", "tundra")),
    "forest": Setting(scenery.forest, ("forest", "wood", "grove", "clearing", "woodland")),
    "mountains": Setting(scenery.mountains, ("mountain", "hill", "cliff", "peak", "valley", "canyon", "volcano")),
    "desert": Setting(scenery.desert, ("desert", "dune", "oasis", "sand")),
    "castle": Setting(townscapes.castle, ("castle", "palace", "kingdom")),
    "farm": Setting(townscapes.farm, ("farm", "barn", "orchard field")),
    "city": Setting(townscapes.city, ("city", "street", "downtown", "rooftop", "station")),
    "village": Setting(townscapes.village, ("village", "town", "market", "square", "lane")),
    "meadow": Setting(scenery.meadow, ("meadow", "field", "grass", "country", "path")),
}  # fmt: skip


def draw(scene: Mapping[str, Any], canvas: type[Canvas] = Canvas, /, *, width: int, height: int, seed: int) -> Drawn:
    """The picture of a scene (setting, time_of_day, weather, subjects), `width` x `height` pixels, on that canvas."""
    setting = setting_of(str(scene.get("setting", "")))
    time, weather = sky.time_of(str(scene.get("time_of_day", ""))), sky.weather_of(str(scene.get("weather", "")))
    phrases = [str(subject).strip() for subject in scene.get("subjects") or () if str(subject).strip()]
    painted = canvas(width, height)
    stage = Stage(
        painted.brush(), painted.aspect, dice("stage", seed, setting.words, time, weather, *phrases), time, weather
    )
    figures, stand_ins = _cast(phrases, seed)
    _paint_place(stage, setting)
    _place_figures(stage, setting, figures)
    if setting.outdoors:
        sky.paint_weather(stage.brush, stage.wide, time, weather, stage.rng)
    return Drawn(painted.png(), stand_ins)


def setting_of(words: str) -> Setting:
    """The setting that the words name; a meadow when none does."""
    lower = words.lower().strip()
    if lower in SETTINGS:
        return SETTINGS[lower]
    found = (
        setting
        for setting in SETTINGS.values()
        if any(re.search(rf"\b{word}(?:s|es|y)?\b", lower) for word in setting.words)
    )
    return next(found, SETTINGS["meadow"])


def _paint_place(stage: Stage, setting: Setting) -> None:
    if setting.outdoors:
        sky.paint_sky(stage.brush, stage.wide, stage.time, stage.weather, stage.rng)
        tint = sky.light(stage.time, stage.weather).tint
    else:
        tint = mix(sky.LIGHTS[stage.time].tint, WHITE, 0.45)
    setting.paint(Stage(stage.brush.lit(tint), stage.wide, stage.rng, stage.time, stage.weather))


def _cast(phrases: list[str], seed: int) -> tuple[list[Figure], list[str]]:
    figures: list[Figure] = []
    stand_ins: list[str] = []
    for index, phrase in enumerate(phrases):
        named = read(phrase)
        entry = ENTRIES.get(named.entry or "") or _stand_in(named, first=index == 0, phrase=phrase)
        if named.entry is None and named.word not in stand_ins:
            stand_ins.append(named.word)
        if len(figures) < MAX_SUBJECTS:
            figures += _copies(phrase, named, entry, seed)[: MAX_SUBJECTS - len(figures)]
    return figures, stand_ins


def _stand_in(named: Named, *, first: bool, phrase: str) -> Entry:
    """A creature for whoever the page is about or has a name of their own, a wrapped parcel for anything else."""
    return ENTRIES["beast" if first or "," in phrase or named.word in _CREATURES else "parcel"]


_CREATURES = {"axolotl", "crocodile", "alligator", "kangaroo", "koala", "sloth", "otter", "beaver", "badger", "giraffe",
              "hippo", "rhino", "camel", "llama", "alpaca", "goat", "ladybird", "ladybug", "ant", "spider", "lizard",
              "chameleon", "peacock", "flamingo", "bat", "mole", "platypus", "walrus", "jellyfish", "lobster",
              "creature",
              "animal", "friend", "phoenix", "griffin"}  # fmt: skip


def _copies(phrase: str, named: Named, entry: Entry, seed: int) -> list[Figure]:
    rng = dice("pose", phrase, seed)
    wave, tilt = rng.random() < 0.45, rng.uniform(-7, 7)
    figures: list[Figure] = []
    for copy in range(named.count):
        name = phrase.lower() if copy == 0 else f"{phrase.lower()} {copy}"
        look = look_of(name, entry.coats, named.colour, wave=wave, tilt=tilt)
        figures.append(Figure(entry, look, entry.size * (1.0 if named.count == 1 else 0.72)))
    return figures


def _place_figures(stage: Stage, setting: Setting, figures: list[Figure]) -> None:
    spots = arrange(figures, wide=stage.wide, rng=stage.rng, water=setting.water, floating=setting.floating)
    tint = mix(sky.light(stage.time, stage.weather if setting.outdoors else "clear").tint, WHITE, 0.66)
    for spot in sorted(spots, key=lambda spot: spot.depth):
        _draw_figure(stage.brush.lit(tint), spot, pond=not setting.water, shadow=not setting.floating)


def _draw_figure(brush: Brush, spot: Spot, *, pond: bool, shadow: bool) -> None:
    figure, half = spot.figure, spot.size * spot.figure.entry.wide / 2
    home = figure.entry.home
    if home is Home.WATER and pond:
        brush.ellipse(spot.x, spot.y - spot.size * 0.02, half * 1.25, spot.size * 0.13, lighter(_POND, 0.4))
        brush.ellipse(spot.x, spot.y - spot.size * 0.01, half * 1.17, spot.size * 0.105, _POND)
    elif shadow and spot.grounded:
        brush.ellipse(spot.x, spot.y, half * 0.85, spot.size * 0.035 + 0.004, INDIGO, 0.22)
    figure.entry.draw(brush.at(spot.x, spot.y, spot.size, flip=spot.flip), figure.look)
    if home is Home.WATER and spot.grounded:
        for side in (-0.5, 0.1, 0.6):
            x = spot.x + side * half
            brush.stroke([(x - 0.04, spot.y), (x, spot.y - 0.008), (x + 0.04, spot.y)], 0.006, lighter(_POND, 0.65))


_POND = mix((74, 163, 196), WHITE, 0.1)
