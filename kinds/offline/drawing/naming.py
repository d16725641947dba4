"""Reads a subject's phrase: "Pim, an orange fox", "three puppies", "girl in red", "castle on a hill"."""

import itertools
import re
from dataclasses import dataclass

from kinds.offline.drawing.catalogue import ENTRIES
from kinds.offline.drawing.palette import NAMED

_SYNONYMS = {
    "fox": "vixen", "wolf": "husky", "rabbit": "bunny hare", "bear": "cub teddy", "cat": "kitten kitty",
    "sheep": "lamb",
    "dog": "puppy pup hound doggy", "mouse": "rat hamster vole gerbil", "monkey": "chimp ape chimpanzee",
    "lion": "lioness", "tiger": "leopard", "squirrel": "chipmunk", "pig": "piglet boar",
    "deer": "fawn moose reindeer stag",
    "hedgehog": "porcupine", "owl": "owlet", "bird": "robin sparrow parrot chick swallow seagull gull songbird",
    "duck": "duckling goose swan", "hen": "chicken rooster", "frog": "toad", "fish": "goldfish shark salmon",
    "dolphin": "porpoise seal", "octopus": "squid", "turtle": "tortoise", "butterfly": "moth", "bee": "bumblebee",
    "horse": "pony foal donkey zebra", "cow": "calf bull", "snake": "serpent worm", "dinosaur": "dino",
    "monster": "troll yeti ogre alien giant", "girl": "child daughter sister kid toddler schoolgirl",
    "boy": "brother schoolboy",
    "woman": "mother mum mom aunt lady teacher baker nurse doctor",
    "man": "father dad uncle farmer fisherman sailor captain gardener",
    "grandmother": "grandma granny nana", "grandfather": "grandpa granddad grandad", "wizard": "magician sorcerer",
    "witch": "sorceress", "fairy": "pixie elf sprite", "robot": "android machine", "ghost": "spirit phantom",
    "astronaut": "cosmonaut spaceman", "tree": "oak willow", "pine": "fir spruce",
    "flower": "rose daisy tulip sunflower",
    "mushroom": "toadstool", "house": "cottage home hut cabin", "castle": "palace fortress",
    "shop": "bakery store school",
    "boat": "ship sailboat ferry raft", "train": "locomotive engine", "car": "truck taxi lorry",
    "rocket": "spaceship spacecraft",
    "aeroplane": "airplane plane", "lantern": "lamp candle torch light", "treasure chest": "treasure chest",
    "book": "diary storybook",
    "letter": "envelope postcard note", "parcel": "present gift box", "cup": "mug teacup", "campfire": "fire bonfire",
    "signpost": "sign", "shell": "seashell", "guitar": "violin fiddle", "cake": "pie", "crown": "tiara",
}  # fmt: skip
WORDS = {name: name for name in ENTRIES} | {word: name for name, words in _SYNONYMS.items() for word in words.split()}
_IRREGULAR = {"mice": "mouse", "wolves": "wolf", "children": "girl", "geese": "duck", "people": "man", "men": "man",
              "women": "woman", "fishes": "fish", "butterflies": "butterfly", "fairies": "fairy"}  # fmt: skip
_COUNTS = {
    "two": 2,
    "pair": 2,
    "couple": 2,
    "both": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "several": 3,
    "many": 5,
    "some": 3,
}
_FILLER = {
    "a",
    "an",
    "the",
    "his",
    "her",
    "their",
    "its",
    "my",
    "of",
    "little",
    "small",
    "tiny",
    "big",
    "old",
    "young",
    "great",
}
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True)
class Named:
    """A subject as read: the catalogue's name for it or None, its own words, its colour word and how many there are."""

    entry: str | None
    word: str
    colour: str | None
    count: int


def read(phrase: str) -> Named:
    """The subject that a phrase names."""
    words = [word.lower() for word in _WORD.findall(phrase)]
    colour = next((word for word in words if word in NAMED), None)
    core = _core(phrase)
    entry, plural = _known(core)
    count = next((_COUNTS[word] for word in core if word in _COUNTS), 3 if plural else 1)
    plain = [word for word in core if word not in _FILLER and word not in NAMED and word not in _COUNTS]
    return Named(entry, " ".join(plain) or phrase.strip().lower(), colour, count)


def singular(word: str) -> str | None:
    """The catalogue's name for a word or its plural; None if it is not in the catalogue."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    endings = ((word, ""), (word, "s"), (word, "es"))
    stems = [whole.removesuffix(end) for whole, end in endings if whole.endswith(end)]
    stems += [word.removesuffix("ies") + "y"] if word.endswith("ies") else []
    stems += [word.removesuffix("ves") + "f"] if word.endswith("ves") else []
    return next((WORDS[stem] for stem in stems if stem in WORDS), None)


def _core(phrase: str) -> list[str]:
    """The words that say what it is: after a name and a comma, before "in", "with" or "on"."""
    kind = phrase.rpartition(",")[2] if "," in phrase else phrase
    kind = re.split(
        r"\b(?:in|with|on|under|near|at|by|from|holding|wearing|who|that)\b", kind, maxsplit=1, flags=re.IGNORECASE
    )[0]
    return [word.lower() for word in _WORD.findall(kind or phrase)]


def _known(core: list[str]) -> tuple[str | None, bool]:
    pairs = [" ".join(pair) for pair in itertools.pairwise(core)]
    for name in (*pairs, *reversed(core)):
        entry = singular(name)
        if entry:
            return entry, name not in WORDS
    return None, False
