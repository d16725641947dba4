"""Every subject the illustrator can draw: its drawing, natural colours, size and place in the picture."""

from dataclasses import dataclass
from enum import Enum

from kinds.offline.drawing import animals, buildings, creatures, people, plants, swimmers, things, vehicles
from kinds.offline.drawing.look import Drawing
from kinds.offline.drawing.palette import Colour, rgb


class Home(Enum):
    """Where in a picture a subject belongs."""

    GROUND = "ground"
    """In front, on the ground: who the story is about, and small things."""
    BACK = "back"
    """Behind them, at the horizon: houses and trees."""
    WATER = "water"
    """In the water where there is some, else in a pond of its own."""
    SKY = "sky"
    """In the air."""


@dataclass(frozen=True)
class Entry:
    """`size` is the height in picture heights, `wide` the width in heights of its own."""

    draw: Drawing
    coats: tuple[Colour, ...] = ()
    size: float = 0.42
    wide: float = 0.75
    home: Home = Home.GROUND


def _coats(*codes: str) -> tuple[Colour, ...]:
    return tuple(map(rgb, codes))


_FURRY = {
    "fox": Entry(animals.fox, _coats("#e2803d", "#d96f3b")),
    "wolf": Entry(animals.wolf, _coats("#8b93a5", "#78808f")),
    "rabbit": Entry(animals.rabbit, _coats("#d9c2a7", "#b9a29a", "#efe6da"), 0.46),
    "bear": Entry(animals.bear, _coats("#a1693f", "#8a5a3c", "#b98150"), 0.48),
    "panda": Entry(animals.panda, _coats("#f6f3ee"), 0.46),
    "cat": Entry(animals.cat, _coats("#e39a4f", "#9a9cab", "#c9a06c")),
    "dog": Entry(animals.dog, _coats("#c9955c", "#a9744c", "#e0bd85")),
    "mouse": Entry(animals.mouse, _coats("#b3aab4", "#c2a58e"), 0.34, 0.85),
    "lion": Entry(animals.lion, _coats("#e6b25a", "#dba04c"), 0.48),
    "tiger": Entry(animals.tiger, _coats("#ea9440"), 0.46),
    "squirrel": Entry(animals.squirrel, _coats("#c3703a", "#a9684a"), 0.38, 0.95),
    "raccoon": Entry(animals.raccoon, _coats("#9a9aa6"), 0.4),
    "pig": Entry(animals.pig, _coats("#f2aeb0")),
    "sheep": Entry(animals.sheep, _coats("#fbf6ec")),
    "monkey": Entry(animals.monkey, _coats("#94653f", "#7d5a46")),
    "deer": Entry(animals.deer, _coats("#c08a56"), 0.46),
    "hedgehog": Entry(animals.hedgehog, _coats("#8f6c52", "#7d6257"), 0.36, 0.8),
    "beast": Entry(animals.beast, _coats("#e79aa8", "#86b6cf", "#a9c47f", "#b39ad0"), 0.42),
}
_OWN_SHAPE = {
    "owl": Entry(creatures.owl, _coats("#a57a52", "#8d7a86"), 0.38),
    "penguin": Entry(creatures.penguin, _coats("#3f4a6b"), 0.4, 0.65),
    "bird": Entry(creatures.bird, _coats("#5b97d3", "#e2685c", "#f0b94a"), 0.16, 1.2, Home.SKY),
    "duck": Entry(creatures.duck, _coats("#f3cb52", "#f6f1e8"), 0.24, 1.1),
    "hen": Entry(creatures.hen, _coats("#f6efe2", "#c9855a"), 0.28, 1.0),
    "frog": Entry(swimmers.frog, _coats("#7dbb5c", "#69ad74"), 0.34, 1.0),
    "fish": Entry(swimmers.fish, _coats("#ef8f4a", "#f0c04f", "#5fa8d3"), 0.24, 1.35, Home.WATER),
    "whale": Entry(swimmers.whale, _coats("#5b8fc0", "#6d9cc0"), 0.36, 1.8, Home.WATER),
    "dolphin": Entry(swimmers.dolphin, _coats("#7fa9c6"), 0.28, 1.9, Home.WATER),
    "octopus": Entry(swimmers.octopus, _coats("#d97a8a", "#b07fc0"), 0.38, 1.25, Home.WATER),
    "crab": Entry(swimmers.crab, _coats("#e2664e"), 0.24, 1.5),
    "turtle": Entry(swimmers.turtle, _coats("#6f9e5a", "#5f9a86"), 0.3, 1.75),
    "snail": Entry(swimmers.snail, _coats("#c98a5e", "#b07fa0"), 0.24, 1.3),
    "butterfly": Entry(creatures.butterfly, _coats("#ef9a4e", "#8fa6e0", "#ee8fb0"), 0.13, 1.1, Home.SKY),
    "bee": Entry(creatures.bee, (), 0.13, 1.1, Home.SKY),
    "dragon": Entry(creatures.dragon, _coats("#6fae62", "#5aa79b", "#d9645a", "#8f74c4"), 0.5, 1.1),
    "dinosaur": Entry(creatures.dinosaur, _coats("#7db569", "#5fa6a0"), 0.5, 1.5),
    "elephant": Entry(creatures.elephant, _coats("#9aa5ba", "#8f9bb5"), 0.5, 1.45),
    "horse": Entry(creatures.horse, _coats("#a9744c", "#c99a6c"), 0.48, 1.35),
    "unicorn": Entry(creatures.unicorn, _coats("#f8f3f4"), 0.48, 1.35),
    "cow": Entry(creatures.cow, _coats("#6a5a60", "#a9744c"), 0.46, 1.25),
    "snake": Entry(creatures.snake, _coats("#7db569", "#d9a44a"), 0.26, 1.6),
    "monster": Entry(creatures.monster, _coats("#8f74c4", "#5aa79b", "#e08a5a"), 0.46, 1.0),
}
_FIGURES = {
    "robot": Entry(people.robot, _coats("#8fb4cc", "#a9b0bf", "#7fbfae"), 0.48, 0.8),
    "ghost": Entry(people.ghost, _coats("#dfe6f5"), 0.42, 0.85),
    "snowman": Entry(people.snowman, _coats("#d9534a", "#4f8cc9"), 0.46, 0.9),
}
_PLANTS = {
    "tree": Entry(plants.tree, (), 0.6, 0.75, Home.BACK),
    "pine": Entry(plants.pine, (), 0.6, 0.6, Home.BACK),
    "palm": Entry(plants.palm, (), 0.62, 0.85, Home.BACK),
    "cactus": Entry(plants.cactus, (), 0.34, 0.7, Home.BACK),
    "flower": Entry(plants.flower, _coats("#ef7f8f", "#f3c04f", "#b08ad0", "#f28a5a"), 0.22, 0.6),
    "mushroom": Entry(plants.mushroom, _coats("#dd5a4f"), 0.18, 1.0),
    "pumpkin": Entry(plants.pumpkin, (), 0.2, 1.2),
}
_ROOFS = _coats("#d96f56", "#5b86b5", "#c4894f", "#7f9b63")
_BUILDINGS = {
    "house": Entry(buildings.house, _ROOFS, 0.4, 1.1, Home.BACK),
    "castle": Entry(buildings.castle, _coats("#6d84bd", "#b86a86"), 0.52, 1.2, Home.BACK),
    "tower": Entry(buildings.tower, _ROOFS, 0.56, 0.6, Home.BACK),
    "lighthouse": Entry(buildings.lighthouse, (), 0.6, 0.5, Home.BACK),
    "barn": Entry(buildings.barn, (), 0.42, 1.2, Home.BACK),
    "windmill": Entry(buildings.windmill, _ROOFS, 0.58, 0.9, Home.BACK),
    "tent": Entry(buildings.tent, (), 0.34, 1.3, Home.BACK),
    "igloo": Entry(buildings.igloo, (), 0.3, 1.7, Home.BACK),
    "bridge": Entry(buildings.bridge, (), 0.3, 3.0, Home.BACK),
    "shop": Entry(buildings.shop, (), 0.42, 1.0, Home.BACK),
}
_THINGS = {
    "boat": Entry(vehicles.boat, _coats("#d9534a", "#4f8cc9", "#6fae8c"), 0.36, 1.2, Home.WATER),
    "train": Entry(vehicles.train, _coats("#c9524a", "#4f7fb5"), 0.34, 1.5),
    "car": Entry(vehicles.car, (), 0.24, 1.45),
    "bus": Entry(vehicles.bus, _coats("#e0564c", "#f0b93e"), 0.32, 1.55),
    "rocket": Entry(vehicles.rocket, _coats("#e2614f", "#4f8cc9"), 0.46, 0.7),
    "aeroplane": Entry(vehicles.aeroplane, _coats("#e2614f", "#4f8cc9"), 0.2, 1.5, Home.SKY),
    "hot-air balloon": Entry(vehicles.hot_air_balloon, (), 0.36, 0.8, Home.SKY),
    "balloon": Entry(things.balloon, (), 0.24, 0.6, Home.SKY),
    "kite": Entry(things.kite, (), 0.26, 0.6, Home.SKY),
    "lantern": Entry(things.lantern, _coats("#b5603f", "#4f6f9a"), 0.2, 0.7),
    "treasure chest": Entry(things.chest, (), 0.2, 1.15),
    "book": Entry(things.book, (), 0.15, 1.5),
    "letter": Entry(things.letter, _coats("#d9534a"), 0.13, 1.4),
    "map": Entry(things.map_sheet, (), 0.17, 1.5),
    "key": Entry(things.key, (), 0.17, 0.6),
    "crown": Entry(things.crown, (), 0.14, 1.4),
    "bell": Entry(things.bell, (), 0.18, 1.0),
    "ball": Entry(things.ball, (), 0.16, 1.0),
    "parcel": Entry(things.parcel, (), 0.18, 1.1),
    "cake": Entry(things.cake, (), 0.2, 1.3),
    "apple": Entry(things.apple, (), 0.12, 1.0),
    "cup": Entry(things.cup, (), 0.14, 1.2),
    "umbrella": Entry(things.umbrella, (), 0.28, 1.15),
    "campfire": Entry(things.campfire, (), 0.22, 1.1),
    "egg": Entry(things.egg, (), 0.18, 0.8),
    "drum": Entry(things.drum, (), 0.2, 1.0),
    "guitar": Entry(things.guitar, _coats("#c98a4a"), 0.3, 0.7),
    "signpost": Entry(things.signpost, (), 0.34, 1.0, Home.BACK),
    "shell": Entry(things.shell, _coats("#f3b8a8", "#e9a6c0"), 0.12, 1.0),
    "star": Entry(things.star, _coats("#f6c244"), 0.16, 1.0, Home.SKY),
    "moon": Entry(things.full_moon, (), 0.22, 1.0, Home.SKY),
    "sun": Entry(things.sun, (), 0.22, 1.1, Home.SKY),
    "cloud": Entry(things.one_cloud, (), 0.18, 1.5, Home.SKY),
    "rainbow": Entry(things.rainbow, (), 0.42, 2.0, Home.SKY),
}
_CHILDREN = {"girl", "boy", "fairy"}

ENTRIES: dict[str, Entry] = {
    **_FURRY,
    **_OWN_SHAPE,
    **{name: Entry(draw, (), 0.46 if name in _CHILDREN else 0.54, 0.62) for name, draw in people.PEOPLE.items()},
    **_FIGURES,
    **_PLANTS,
    **_BUILDINGS,
    **_THINGS,
}
